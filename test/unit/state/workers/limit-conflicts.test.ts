import { expect, test } from "vitest";
import { findLimitConflicts } from "#src/state/workers/limit-conflicts.ts";
import type { ListedWorker } from "#src/state/workers/worker-list.ts";

const worker = (pid: number, laneLimits: ListedWorker["laneLimits"], state: ListedWorker["state"] = "alive") => ({
  id: `w${pid}`,
  state,
  seenAt: 0,
  host: "a",
  pid,
  version: undefined,
  queues: [],
  startedAt: undefined,
  jobs: undefined,
  calls: undefined,
  claimedAt: undefined,
  loopLagMs: undefined,
  laneLimits,
});

test("lanes whose limits differ between living workers are named with all limits and processes", () => {
  const low = { requestsPerMinute: 120, concurrency: 4 };
  const workers = [
    worker(1, { "p/m": low, "p/n": low }),
    worker(2, { "p/m": { concurrency: 4, requestsPerMinute: 120 } }),
    worker(3, { "p/m": { requestsPerMinute: 600 }, "p/n": low }),
    worker(4, { "p/n": {} }, "dead"),
  ];
  expect(findLimitConflicts(workers)).toEqual([
    { lane: "p/m", limits: "concurrency 4, requestsPerMinute 120 (a 1, a 2); requestsPerMinute 600 (a 3)" },
  ]);
  expect(findLimitConflicts(workers.slice(0, 2))).toEqual([]);
});
