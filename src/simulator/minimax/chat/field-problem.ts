/** What is wrong with a field, or undefined. Used with `??`, so that the first problem is the one that is told. */
export type Problem = string | undefined;

export type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Above `low` (from `low` on, when `inclusive`) up to `high`; absent fields are fine. */
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

/** Ranges that all dialects share. */
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
