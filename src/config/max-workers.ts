import { availableParallelism } from "node:os";

const MIN_WORKER_LIMIT = 64;
const PER_CORE = 8;

/**
 * How many worker processes one command may start: 64, or 8 per core if that is more. One per core keeps a machine busy,
 * and each takes about 200 MB; thousands would exhaust the machine before any of them took a job.
 */
export function maxWorkers(cores = availableParallelism()): number {
  return Math.max(MIN_WORKER_LIMIT, PER_CORE * cores);
}
