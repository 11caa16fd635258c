/** A description of what is wrong with a field, or undefined. Checks are chained by `??`; the first problem counts. */
export type Problem = string | undefined;

export type Fields = Readonly<Record<string, unknown>>;

export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Checks that a number is above `low` (or equal, if `inclusive`) and at most `high`; a missing field is valid. */
export function findNumberProblem(
  body: Fields,
  field: string,
  low: number,
  high: number,
  inclusive: "inclusive" | "exclusive",
): Problem {
  const value = body[field];
  if (value === undefined) return undefined;
  const fits = typeof value === "number" && value <= high && (inclusive === "inclusive" ? value >= low : value > low);
  return fits ? undefined : `${field} is out of range`;
}

/** Ranges that all dialects have in common. */
export function findFieldRangeProblem(body: Fields): Problem {
  const max = Number.MAX_SAFE_INTEGER;
  return (
    findNumberProblem(body, "temperature", 0, 1, "exclusive") ??
    findNumberProblem(body, "top_p", 0, 1, "exclusive") ??
    findNumberProblem(body, "tokens_to_generate", 1, max, "inclusive") ??
    findNumberProblem(body, "max_tokens", 1, max, "inclusive") ??
    findNumberProblem(body, "max_completion_tokens", 1, max, "inclusive") ??
    (body.stream === undefined || typeof body.stream === "boolean" ? undefined : "stream must be a boolean")
  );
}

export function findModelProblem(body: Fields, models: readonly string[]): Problem {
  return typeof body.model === "string" && models.includes(body.model) ? undefined : "unknown model";
}
