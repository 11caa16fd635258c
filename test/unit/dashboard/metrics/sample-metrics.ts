import { EMPTY_HISTOGRAM, findDurationBucket } from "#src/core/duration-histogram.ts";
import type { MetricsSample } from "#src/dashboard/metrics/metrics-sample.ts";
import { EMPTY_STATS } from "#src/state/telemetry/telemetry.ts";
import type { ListedWorker } from "#src/state/workers/worker-list.ts";

/** A sample in which every metric has a value. */
export function sampleMetrics(): MetricsSample {
  return {
    version: "1.2.3",
    lanes: [
      {
        name: "minimax/embo-01",
        provider: "minimax",
        account: "default",
        model: "embo-01",
        state: "snoozed",
        requests: { used: 42, allowed: 60, learned: 48 },
        tokens: { used: 900, allowed: 10_000, learned: 8_000 },
        concurrency: { used: 3, allowed: 8, learned: 4 },
        throttles: 2,
        faultStreak: 1,
      },
    ],
    totals: new Map([
      [
        "minimax/embo-01",
        {
          ...EMPTY_STATS,
          calls: 13,
          answered: 10,
          inputs: 100,
          tokens: { input: 1_000, output: 50 },
          throttles: 2,
          errors: { throttled: 2, server: 1 },
          durations: histogram([100, 120, 980]),
          firstDeltas: histogram([40]),
          cost: { CNY: 0.25 },
          unpriced: 1,
        },
      ],
    ]),
    records: { ok: 96, "too-long": 4 },
    queues: [
      {
        name: "minimax-embedding",
        provider: "minimax",
        kind: "embedding",
        priority: "bulk",
        waiting: 7,
        active: 2,
        delayed: 1,
      },
    ],
    workers: [worker("a", "alive", 250), worker("b", "alive", 10), worker("c", "dead", 9_000)],
    redis: {
      isPrivate: false,
      usedBytes: 1_000_000,
      maxBytes: 4_000_000,
      warningBytes: 3_000_000,
      clients: 12,
    },
    runs: [
      {
        run: "run-1",
        hasCoordinator: true,
        silentMs: 1_500,
        items: { total: 100, succeeded: 50, failed: 1, inFlight: 5 },
      },
      { run: "lost", hasCoordinator: false, silentMs: 40_000 },
    ],
    runsByPhase: { running: 1, stopped: 2 },
  };
}

function histogram(durations: readonly number[]) {
  const counts = [...EMPTY_HISTOGRAM.counts];
  for (const ms of durations) counts[findDurationBucket(ms)] = (counts[findDurationBucket(ms)] ?? 0) + 1;
  return { counts, sumMs: durations.reduce((a, b) => a + b, 0) };
}

function worker(id: string, state: ListedWorker["state"], loopLagMs: number): ListedWorker {
  return {
    id,
    state,
    seenAt: 0,
    host: "host",
    pid: 1,
    version: "1.2.3",
    queues: ["minimax-embedding"],
    startedAt: 0,
    jobs: id === "a" ? 6 : 3,
    calls: 2,
    claimedAt: undefined,
    loopLagMs,
    laneLimits: {},
  };
}

/** Parses Prometheus's text format: values by name and labels, and types by name. Throws for an invalid line. */
export function parseMetrics(text: string): {
  values: Record<string, number>;
  types: Record<string, string>;
} {
  const values: Record<string, number> = {};
  const types: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type) types[type[1] ?? ""] = type[2] ?? "";
    if (line === "" || line.startsWith("#")) continue;
    const value = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) (\S+)$/.exec(line);
    if (!value) throw new Error(`no line of a metric: ${line}`);
    values[value[1] ?? ""] = Number(value[2]);
  }
  return { values, types };
}
