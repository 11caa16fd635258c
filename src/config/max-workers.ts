import { availableParallelism } from "node:os";

const MIN_WORKER_LIMIT = 64;
const PER_CORE = 8;

/**
 * Worker processes that one command may start: 64, or 8 per core where that is more. One per core is what keeps a
 * machine busy, and each takes some 200 MB; thousands would bring it down before any of them took a job.
 */
export function maxWorkers(cores = availableParallelism()): number {
  return Math.max(MIN_WORKER_LIMIT, PER_CORE * cores);
}
