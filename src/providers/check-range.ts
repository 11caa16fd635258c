import { invalidRequestError } from "./invalid-request-error.ts";

/** The numbers that a parameter accepts. */
export interface Range {
  /** Inclusive lower bound. */
  readonly min?: number;
  /** Exclusive lower bound. */
  readonly above?: number;
  /** Inclusive upper bound; absent when none is known. */
  readonly max?: number;
  readonly integer?: boolean;
}

/** Throws `invalid-request`, with the name and the range, for a value outside the range. */
export function assertInRange(provider: string, name: string, value: unknown, range: Range): void {
  const problem = findRangeProblem(value, range);
  if (problem !== undefined) throw invalidRequestError(provider, `${name} ${problem}`);
}

/**
 * What is wrong with a value, to be written after its name: "must be a whole number from 1 to 6, not 7". Undefined and
 * null are accepted.
 */
export function findRangeProblem(value: unknown, range: Range): string | undefined {
  if (value === undefined || value === null || isInside(value, range)) return undefined;
  const received = typeof value === "number" ? String(value) : `a ${typeof value}`;
  if (range.min !== undefined && range.min === range.max) return `must be ${range.min} or absent, not ${received}`;
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
  return max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
}
