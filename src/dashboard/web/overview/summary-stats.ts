import type { LimitWindow, RateDimension } from "#src/core/lane.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { MoneyView, RunSummary } from "#src/dashboard/runs/run-api.ts";
import { usedShare } from "#src/dashboard/web/components/limit-usage.ts";

export interface TightestLimit {
  readonly lane: string;
  readonly dimension: RateDimension | "concurrency";
  readonly window: LimitWindow;
  readonly share: number;
}

/** The limit with the highest used share; undefined if no limit is known. */
export function findTightestLimit(lanes: readonly LaneView[]): TightestLimit | undefined {
  const limits = lanes.flatMap((lane) =>
    [
      ...(["requests", "tokens", "concurrency"] as const).map((dimension) => ({
        ...{ dimension, window: "minute" as const },
        share: usedShare(lane[dimension]),
      })),
      ...(lane.windows ?? []).map((usage) => ({ ...usage, share: usedShare(usage) })),
    ].flatMap(({ dimension, window, share }): TightestLimit[] =>
      share === undefined ? [] : [{ lane: lane.name, dimension, window, share }],
    ),
  );
  return limits.reduce<TightestLimit | undefined>(
    (tightest, next) => (tightest === undefined || next.share > tightest.share ? next : tightest),
    undefined,
  );
}

/** Sums of costs per currency; `expected` only if every run of that currency has an expected cost. */
export function sumRunCosts(runs: readonly Pick<RunSummary, "cost">[]): MoneyView[] {
  const sums = new Map<string, { spent: number; expected: number | undefined }>();
  for (const { cost } of runs) {
    if (!cost) continue;
    const sum = sums.get(cost.currency) ?? { spent: 0, expected: 0 };
    sum.spent += cost.spent;
    sum.expected = sum.expected === undefined || cost.expected === undefined ? undefined : sum.expected + cost.expected;
    sums.set(cost.currency, sum);
  }
  return [...sums].map(([currency, { spent, expected }]) => ({
    currency,
    spent,
    expected,
  }));
}
