import type { Item } from "#src/core/item.ts";
import { CALLS_PER_JOB, MAX_JOB_BYTES } from "#src/queues/payload.ts";

export interface JobShape {
  /** Inputs of one upstream call. Jobs are multiples of it, so that calls are full. */
  readonly inputsPerCall: number;
  readonly maxItems: number;
  readonly maxBytes: number;
}

export function createJobShape(inputsPerCall: number): JobShape {
  return { inputsPerCall, maxItems: Math.max(1, inputsPerCall * CALLS_PER_JOB), maxBytes: MAX_JOB_BYTES };
}

/**
 * How many items from the front form the next job, at least one. If more than one call's inputs fit, it is a multiple of
 * them, unless `isLast` says that no items follow.
 */
export function countNextJobItems(items: readonly Item[], shape: JobShape, isLast: boolean): number {
  let count = 0;
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(item.text);
    if (count >= shape.maxItems || (count > 0 && bytes + size > shape.maxBytes)) return align(count, shape);
    count += 1;
    bytes += size;
  }
  return isLast ? count : align(count, shape);
}

function align(count: number, { inputsPerCall }: JobShape): number {
  return count > inputsPerCall ? count - (count % inputsPerCall) : count;
}
