import { expect, test } from "vitest";
import { findNearbyEvents, listRunEvents } from "#src/dashboard/web/chart/run-events.ts";

const times = Array.from({ length: 101 }, (_, step) => step * 10);
const runs = [
  { run: "c", startedAt: 1_009 },
  { run: "b", name: "docs", startedAt: 300, endedAt: 707 },
  { run: "a", startedAt: -5, endedAt: 0 },
  { run: "later", startedAt: 1_010 },
];

test("lists the starts and ends of runs within the steps of a chart", () => {
  expect(listRunEvents(runs, times)).toEqual([
    { kind: "ended", run: "a", name: "a", at: 0 },
    { kind: "started", run: "b", name: "docs", at: 300 },
    { kind: "ended", run: "b", name: "docs", at: 707 },
    { kind: "started", run: "c", name: "c", at: 1_009 },
  ]);
  expect(listRunEvents(runs, [])).toEqual([]);
});

test("a step has the events within it and close to it", () => {
  const events = listRunEvents(runs, times);
  const near = (index: number) => findNearbyEvents(events, times, index).map(({ name }) => name);
  expect([28, 29, 30, 31].map(near)).toEqual([[], ["docs"], ["docs"], []]);
  expect(near(100)).toEqual(["c"]);
  expect(near(-1)).toEqual([]);
});
