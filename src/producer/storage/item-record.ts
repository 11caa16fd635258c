import { RunError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import { MAX_ATTEMPTS, MAX_TOKENS } from "./ledger-file.ts";

/** The outcome of an embedding item from the results stream: exactly one of vector and failure. */
export interface ItemRecord {
  readonly index: number;
  readonly attempts: number;
  readonly tokens: number;
  /** Little-endian float32; stored without being copied. */
  readonly vector?: Buffer;
  readonly failure?: Failure;
}

/**
 * Throws a RunError when a record cannot belong to a run with these items and dimensions (0: still unknown). Returns the
 * dimensions, which the first vector determines.
 */
export function checkRecord(record: ItemRecord, items: number, dimensions: number): number {
  const { index, vector, failure } = record;
  checkCounts(record, items);
  if ((vector === undefined) === (failure === undefined)) {
    throw new RunError(`record of item ${index}: needs either a vector or a failure`);
  }
  if (vector === undefined) return dimensions;
  if (vector.length === 0 || vector.length % 4 !== 0 || (dimensions > 0 && vector.length !== dimensions * 4)) {
    const expected = dimensions > 0 ? `${dimensions * 4} bytes (${dimensions} floats)` : "float32 values";
    throw new RunError(`record of item ${index}: vector must be ${expected}, not ${vector.length} bytes`);
  }
  return vector.length / 4;
}

/** Throws a RunError when the index or counts of a record are invalid for a run with this many items. */
export function checkCounts(
  { index, attempts, tokens }: Pick<ItemRecord, "index" | "attempts" | "tokens">,
  items: number,
): void {
  if (!isCount(index, items - 1)) throw new RunError(`record of item ${index}: the run has items 0 to ${items - 1}`);
  if (!isCount(attempts, MAX_ATTEMPTS)) {
    throw new RunError(`record of item ${index}: attempts must be 0 to ${MAX_ATTEMPTS}, not ${attempts}`);
  }
  if (!isCount(tokens, MAX_TOKENS)) {
    throw new RunError(`record of item ${index}: tokens must be 0 to ${MAX_TOKENS}, not ${tokens}`);
  }
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
