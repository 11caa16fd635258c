/** The numbers a provider takes. */
export interface Range {
  /** The smallest. */
  readonly min?: number;
  /** Greater than this. */
  readonly above?: number;
  /** The greatest; absent where none is known. */
  readonly max?: number;
  readonly integer?: boolean;
}

/** What is wrong with a value, for behind its name: "must be a whole number from 1 to 6, not 7". Absent values are right. */
export function findRangeProblem(value: unknown, range: Range): string | undefined {
  if (value === undefined || value === null || isInside(value, range)) return undefined;
  const received = typeof value === "number" ? String(value) : `a ${typeof value}`;
  return `must be ${range.integer ? "a whole number" : "a number"} ${describeRange(range)}, not ${received}`;
}

function isInside(value: unknown, { min, above, max, integer }: Range): boolean {
  return (
    typeof value === "number" &&
    (integer ? Number.isInteger(value) : Number.isFinite(value)) &&
    (max === undefined || value <= max) &&
    (min === undefined || value >= min) &&
    (above === undefined || value > above)
  );
}

function describeRange({ min, above, max }: Range): string {
  if (above !== undefined) return max === undefined ? `above ${above}` : `above ${above}, up to ${max}`;
  return max === undefined ? `from ${min} on` : `from ${min} to ${max}`;
}
