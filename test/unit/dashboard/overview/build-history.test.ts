import { describe, expect, it } from "vitest";
import { buildHistory, buildLatestPoint } from "#src/dashboard/overview/build-history.ts";
import { describeProviders, describeTotals } from "#src/dashboard/overview/describe-providers.ts";
import { GaugeHistory } from "#src/dashboard/sampling/gauges.ts";
import { EMPTY_STATS, type LanePoint } from "#src/state/telemetry/telemetry.ts";
import type { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";

const NOW = 1_000_000_005_000;
const STEP = 10_000;

/** Lanes with points at the given numbers of steps before the current one. */
function telemetry(lanes: Readonly<Record<string, readonly (Partial<LanePoint> & { ago: number })[]>>) {
  const points = (lane: string): LanePoint[] =>
    (lanes[lane] ?? [])
      .map(({ ago, ...stats }) => ({
        ...EMPTY_STATS,
        ...stats,
        at: (Math.floor(NOW / STEP) - ago) * STEP,
      }))
      .sort((a, b) => a.at - b.at);
  return {
    now: NOW,
    lanes: () => Object.keys(lanes),
    series: (lane: string) => points(lane),
  } as unknown as TelemetryHistory;
}

const noGauges = () => new GaugeHistory({ stepMs: STEP, steps: 360 });
const values = (history: ReturnType<typeof buildHistory>, key: string) =>
  history.lines.find(({ seriesKey }) => seriesKey === key)?.values;

describe("charts", () => {
  it("add up the lanes of a provider and of all providers, per minute", () => {
    const history = buildHistory(
      telemetry({
        "a/x": [{ ago: 1, answered: 3, calls: 3 }],
        "a/y": [{ ago: 1, answered: 4, calls: 5, errors: { server: 1 } }],
        "b/z": [{ ago: 1, answered: 5, calls: 5 }],
      }),
      noGauges(),
      "hour",
    );
    expect(values(history, "calls")?.at(-2)).toBe(72);
    expect(values(history, "calls:a")?.at(-2)).toBe(42);
    expect(values(history, "failures:a")?.at(-2)).toBe(6);
    expect(history.at).toHaveLength(360);
    expect(history.at.at(-1)).toBe(Math.floor(NOW / STEP) * STEP);
  });

  it("have null, never zero, for unknown steps and for durations without calls", () => {
    const history = buildHistory(
      telemetry({ "a/x": [{ ago: 4 }, { ago: 3, calls: 1, answered: 1 }, { ago: 2 }, { ago: 1 }] }),
      noGauges(),
      "hour",
    );
    expect(values(history, "calls")?.slice(-6)).toEqual([null, null, 6, 0, 0, null]);
    expect(values(history, "upstream-p50")?.at(-2)).toBeNull();
  });

  it("start with the first call of each provider, and for all with the first call of any", () => {
    const quiet = [{ ago: 3 }, { ago: 2 }, { ago: 1 }];
    const seen = telemetry({
      "a/x": quiet.map((point) => (point.ago === 3 ? { ...point, calls: 1, errors: { server: 1 } } : point)),
      "b/z": quiet.map((point) => (point.ago === 1 ? { ...point, calls: 2, answered: 2 } : point)),
      "c/never": quiet,
    });
    const history = buildHistory(seen, noGauges(), "hour");
    expect(values(history, "calls")?.slice(-4)).toEqual([0, 0, 12, null]);
    expect(values(history, "failures:a")?.slice(-4)).toEqual([6, 0, 0, null]);
    expect(values(history, "calls:b")?.slice(-4)).toEqual([null, null, 12, null]);
    expect(values(history, "calls:c")?.every((value) => value === null)).toBe(true);
    expect(buildLatestPoint(telemetry({ "c/never": [{ ago: 0 }] }), noGauges(), "hour").values).toEqual({});
  });

  it("have zeros for an idle hour of a lane that had calls before", () => {
    const hour = Array.from({ length: 300 }, (_, ago) => ({ ago }));
    const seen = telemetry({ "a/x": hour });
    const before = [{ ...EMPTY_STATS, calls: 4, at: NOW - 2 * 3600_000 }];
    const worked = {
      ...seen,
      series: (lane: string, step: "fine" | "coarse") => (step === "fine" ? seen.series(lane, step) : before),
    } as typeof seen;
    expect(values(buildHistory(worked, noGauges(), "hour"), "calls")?.slice(-3)).toEqual([0, 0, 0]);
  });

  it("compute the rate of the current step from its elapsed part", () => {
    const seen = telemetry({ "a/x": [{ ago: 0, calls: 10, answered: 10 }] });
    // Half of the ten seconds have elapsed.
    expect(values(buildHistory(seen, noGauges(), "hour"), "calls")?.at(-1)).toBe(120);
    expect(buildLatestPoint(seen, noGauges(), "hour")).toMatchObject({
      values: { calls: 120, "calls:a": 120 },
    });
  });

  it("end with the same point that is pushed to pages", () => {
    const gauges = noGauges();
    gauges.record(
      NOW,
      new Map([
        ["queue-depth", 7],
        ["queue-depth:a", 7],
        ["redis-memory", 5],
      ]),
    );
    const seen = telemetry({ "a/x": [{ ago: 0, calls: 10, answered: 10, cost: { CNY: 0.5 } }] });
    const history = buildHistory(seen, gauges, "hour");
    const point = buildLatestPoint(seen, gauges, "hour");
    expect(point.at).toBe(history.at.at(-1));
    const last = history.lines.flatMap(({ seriesKey, values: all }) => {
      const value = all.at(-1);
      return value === null || value === undefined ? [] : [[seriesKey, value]];
    });
    expect(point.values).toEqual(Object.fromEntries(last));
    expect(point.values).toMatchObject({ "queue-depth:a": 7, "cost:CNY": expect.any(Number) });
  });
});

describe("providers", () => {
  it("have no value without calls", () => {
    expect(describeTotals(telemetry({}))).toEqual({});
    const queue = {
      provider: "a",
      name: "a-chat",
      kind: "chat",
      priority: "bulk",
      waiting: 1,
      active: 0,
      delayed: 0,
    } as const;
    expect(describeProviders(telemetry({}), [queue])).toEqual([
      { name: "a", errorsByKind: {}, queues: [expect.not.objectContaining({ provider: "a" })] },
    ]);
  });

  it("count throttles apart from failures, and both in the error rate", () => {
    const seen = telemetry({
      "a/x": [{ ago: 2, calls: 10, answered: 6, throttles: 3, errors: { throttled: 3, server: 1 } }],
    });
    const [provider] = describeProviders(seen, []);
    expect(provider).toMatchObject({ errorRate: 0.4, errorsByKind: { throttled: 3, server: 1 } });
    expect(provider?.throttlesPerMinute).toBeCloseTo((provider?.failuresPerMinute ?? 0) * 3);
  });
});
