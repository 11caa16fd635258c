import { describe, expect, it } from "vitest";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { filterRuns, type RunListQuery } from "#src/dashboard/runs/run-service.ts";
import { sortRuns } from "#src/dashboard/runs/sort-runs.ts";

const known = (run: string, createdAt: number): RunInfo => ({
  run,
  createdAt,
  state: undefined,
  kind: undefined,
  model: undefined,
  lanes: [],
  dir: undefined,
  host: undefined,
  items: undefined,
  startedWith: undefined,
  window: undefined,
  seenAt: undefined,
  hasCoordinator: false,
  published: undefined,
});

const runs = [known("b", 300), known("a", 200), known("c", 100)];
const list = (query: Partial<RunListQuery>) =>
  filterRuns({ at: 1_000, runs }, { offset: 0, limit: 50, text: "", ...query });
const names = (query: Partial<RunListQuery>) => list(query).runs.map(({ run }) => run);

describe("the list of runs", () => {
  it("keeps the newest first without an order", () => expect(names({})).toEqual(["b", "a", "c"]));

  it("contains the runs that started in a period, including its start and without its end", () => {
    expect(names({ from: 100, before: 300 })).toEqual(["a", "c"]);
    expect(list({ from: 200 }).total).toBe(2);
  });

  it("contains the runs whose id, name, note, model, or folder contains a text", () => {
    const labels = { name: "nightly", note: "before the move", model: "minimax/embo-01", dir: "/data/vectors" };
    const labeled = [...runs, { ...known("e-1", 50), ...labels }];
    const find = (text: string) =>
      filterRuns({ at: 1_000, runs: labeled }, { offset: 0, limit: 50, text }).runs.map(({ run }) => run);
    for (const text of ["E-1", "Night", "move", "embo", "vectors"]) expect(find(text)).toEqual(["e-1"]);
  });

  it("is sorted before it is divided into pages", () => {
    expect(names({ sort: "run", order: "ascending", limit: 2 })).toEqual(["a", "b"]);
    expect(names({ sort: "run", order: "ascending", offset: 2 })).toEqual(["c"]);
  });

  it("has runs without a value last in both directions", () => {
    const summaries = [2, undefined, 7].map((itemsPerSecond, index) => ({
      run: String(index),
      phase: "running" as const,
      createdAt: 1,
      itemsPerSecond,
    }));
    const rates = (order: "ascending" | "descending") =>
      sortRuns(summaries, "rate", order).map(({ itemsPerSecond }) => itemsPerSecond);
    expect(rates("ascending")).toEqual([2, 7, undefined]);
    expect(rates("descending")).toEqual([7, 2, undefined]);
  });
});
