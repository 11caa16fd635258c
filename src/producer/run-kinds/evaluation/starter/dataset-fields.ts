export type StarterRow = Readonly<Record<string, unknown>>;

export interface FieldGuess {
  readonly field: string | undefined;
  /** One sentence. */
  readonly reason: string;
}

/** The first of these names, in any case, that all rows have a value for. */
export function findField(rows: readonly StarterRow[], names: readonly string[]): string | undefined {
  const fields = Object.keys(rows[0] ?? {});
  return names
    .map((name) => fields.find((field) => field.toLowerCase() === name))
    .find((field) => field !== undefined && rows.every((row) => hasValue(row[field])));
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

/** The value at a path such as "choices.text". */
export function readRowField(row: StarterRow, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => {
    const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
    return entries.find(([key]) => key === name)?.[1];
  }, row);
}

export function isFilledText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** The field in a template: `{{ question }}`, or `{{ ["the question"] }}` for names that are no identifiers. */
export function referTo(field: string): string {
  return `{{ ${/^[\p{L}_][\p{L}\p{N}_]*$/u.test(field) ? field : `[${JSON.stringify(field)}]`} }}`;
}
