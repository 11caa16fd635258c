import type { RunSortKey, RunSummary } from "./run-api.ts";

type SortValue = string | number | undefined;

/** The values to compare, most significant first. Amounts of different currencies are not compared. */
const SORT_VALUES: Readonly<Record<RunSortKey, (run: RunSummary) => readonly SortValue[]>> = {
  run: ({ name, run }) => [(name ?? run).toLowerCase()],
  state: ({ phase }) => [phase],
  progress: ({ items }) => [items && items.total > 0 ? (items.succeeded + items.failed) / items.total : undefined],
  rate: ({ itemsPerSecond }) => [itemsPerSecond],
  timeLeft: ({ etaMs }) => [etaMs],
  cost: ({ cost }) => [cost?.currency, cost?.spent],
  started: ({ createdAt }) => [createdAt],
};

/** Returns the runs in the order of a column; runs without a value come last in both directions. Pure. */
export function sortRuns(
  runs: readonly RunSummary[],
  sort: RunSortKey,
  order: "ascending" | "descending",
): RunSummary[] {
  const sign = order === "ascending" ? 1 : -1;
  const getValues = SORT_VALUES[sort];
  return runs.toSorted((a, b) => {
    const [left, right] = [getValues(a), getValues(b)];
    for (const [index, value] of left.entries()) {
      const difference = compareValues(value, right[index], sign);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function compareValues(a: SortValue, b: SortValue, sign: number): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -sign : sign;
}
