import { expect, test } from "vitest";
import { listRunPeriods } from "#src/dashboard/runs/list-run-periods.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";

const NOW = 100 * 3600_000;
const known = (run: string, hoursAgo: number, more: Partial<RunInfo> = {}): RunInfo => ({
  run,
  createdAt: NOW - hoursAgo * 3600_000,
  state: "running",
  kind: undefined,
  model: undefined,
  lanes: [],
  dir: `/data/${run}`,
  host: undefined,
  items: undefined,
  startedWith: undefined,
  window: undefined,
  seenAt: undefined,
  hasCoordinator: true,
  published: undefined,
  ...more,
});

test("lists the runs that started or ended within the span, with the end of those without a coordinator", () => {
  const stoppedAt = NOW - 60_000;
  const runs = [
    known("new", 0.5),
    known("stopped", 5, { hasCoordinator: false, seenAt: stoppedAt }),
    known("old", 5),
    known("gone", 30, { hasCoordinator: false, seenAt: NOW - 29 * 3600_000 }),
  ];
  const list = (span: "hour" | "day") => listRunPeriods({ at: NOW, runs }, span);
  expect(list("hour")).toEqual([
    { run: "new", name: "new", startedAt: NOW - 1_800_000, endedAt: undefined },
    { run: "stopped", name: "stopped", startedAt: NOW - 5 * 3600_000, endedAt: stoppedAt },
  ]);
  expect(list("day").map(({ run }) => run)).toEqual(["new", "stopped", "old"]);
});

test("lists the newest twenty runs", () => {
  const runs = Array.from({ length: 30 }, (_, index) => known(String(index), 0.01 * index));
  expect(listRunPeriods({ at: NOW, runs }, "day").map(({ run }) => run)).toEqual(
    Array.from({ length: 20 }, (_, index) => String(index)),
  );
});
