import type { Item } from "#src/core/item.ts";
import { CALLS_PER_JOB, MAX_JOB_BYTES } from "#src/queues/payload.ts";

export interface JobShape {
  /** Inputs of one upstream call; jobs are multiples of it, so that calls come out full. */
  readonly inputsPerCall: number;
  readonly maxItems: number;
  readonly maxBytes: number;
}

export function createJobShape(inputsPerCall: number): JobShape {
  return { inputsPerCall, maxItems: Math.max(1, inputsPerCall * CALLS_PER_JOB), maxBytes: MAX_JOB_BYTES };
}

/**
 * How many items from the front make the next job. At least one; a multiple of a batch where more than a batch
 * fits, unless `last` says that nothing follows.
 */
export function countNextJobItems(items: readonly Item[], shape: JobShape, last: boolean): number {
  let count = 0;
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(item.text);
    if (count >= shape.maxItems || (count > 0 && bytes + size > shape.maxBytes)) return align(count, shape);
    count += 1;
    bytes += size;
  }
  return last ? count : align(count, shape);
}

function align(count: number, { inputsPerCall }: JobShape): number {
  return count > inputsPerCall ? count - (count % inputsPerCall) : count;
}
