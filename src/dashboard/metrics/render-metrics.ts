import type { RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import { addLaneMetrics } from "./lane-metrics.ts";
import { MetricsRegistry } from "./metrics-registry.ts";
import type { MetricsSample } from "./metrics-sample.ts";

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * The response of `/metrics` in the Prometheus text format, documented in `docs/metrics.md`. `sample` is undefined while
 * Redis is unavailable. Names and labels contain no text of any item.
 */
export async function renderMetrics(sample: MetricsSample | undefined): Promise<string> {
  const registry = new MetricsRegistry();
  registry.gauge(
    { name: "sluice_redis_up", help: "1 if Redis answers, 0 if it is unavailable.", labels: [] },
    toUnlabeledValue(sample ? 1 : 0),
  );
  if (!sample) return await registry.render();
  addBuildInfo(registry, sample);
  addLaneMetrics(registry, sample);
  addRecords(registry, sample);
  addQueues(registry, sample);
  addWorkers(registry, sample);
  addRuns(registry, sample);
  addRedis(registry, sample);
  return await registry.render();
}

function addBuildInfo(registry: MetricsRegistry, { version }: MetricsSample): void {
  registry.gauge({ name: "sluice_build_info", help: "Always 1; the label is the version.", labels: ["version"] }, [
    { labels: { version }, value: 1 },
  ]);
}

function addRecords(registry: MetricsRegistry, { records }: MetricsSample): void {
  registry.counter(
    {
      name: "sluice_records_total",
      help: "Committed records by outcome: ok, or the kind of their failure.",
      labels: ["outcome"],
    },
    Object.entries(records).map(([outcome, value]) => ({ labels: { outcome }, value })),
  );
}

function addQueues(registry: MetricsRegistry, { queues }: MetricsSample): void {
  const labels = ["queue", "provider", "kind", "priority", "state"] as const;
  registry.gauge(
    { name: "sluice_queue_jobs", help: "Jobs in a queue by state: waiting, active or delayed.", labels },
    queues.flatMap(({ name: queue, provider, kind, priority, ...jobs }) =>
      (["waiting", "active", "delayed"] as const).map((state) => ({
        labels: { queue, provider, kind, priority, state },
        value: jobs[state],
      })),
    ),
  );
}

function addWorkers(registry: MetricsRegistry, { workers }: MetricsSample): void {
  const alive = workers.filter(({ state }) => state === "alive");
  registry.gauge(
    {
      name: "sluice_workers",
      help: "Workers by state: alive, or dead (no heartbeat for 15 s; listed for ten minutes).",
      labels: ["state"],
    },
    [
      { labels: { state: "alive" }, value: alive.length },
      { labels: { state: "dead" }, value: workers.length - alive.length },
    ],
  );
  const gauges = [
    ["sluice_workers_jobs_in_flight", "Jobs held by live workers.", (w) => w.jobs, sum],
    ["sluice_workers_calls_in_flight", "Upstream calls of live workers in flight.", (w) => w.calls, sum],
    [
      "sluice_workers_event_loop_lag_seconds",
      "Longest event-loop delay of any live worker within its last five seconds.",
      (w) => (w.loopLagMs === undefined ? undefined : w.loopLagMs / 1_000),
      max,
    ],
  ] as const satisfies readonly (readonly [
    string,
    string,
    (worker: MetricsSample["workers"][number]) => number | undefined,
    (values: readonly number[]) => number,
  ])[];
  for (const [name, help, pick, aggregate] of gauges) {
    const values = alive.flatMap((worker) => pick(worker) ?? []);
    registry.gauge(
      { name, help, labels: [] },
      values.length === 0 && (alive.length > 0 || aggregate === max) ? [] : toUnlabeledValue(aggregate(values)),
    );
  }
}

const PHASES = [
  "planning",
  "running",
  "paused",
  "snoozing",
  "parked",
  "finishing",
  "stopped",
] as const satisfies RunPhaseView[];

function addRuns(registry: MetricsRegistry, { runs, runsByPhase }: MetricsSample): void {
  registry.gauge(
    {
      name: "sluice_runs",
      help: "Unended runs by state; stopped means that the run has no coordinator.",
      labels: ["state"],
    },
    PHASES.map((state) => ({ labels: { state }, value: runsByPhase[state] ?? 0 })),
  );
  registry.gauge(
    { name: "sluice_runs_coordinated", help: "Runs with a coordinator.", labels: [] },
    toUnlabeledValue(runs.filter(({ hasCoordinator }) => hasCoordinator).length),
  );
  registry.gauge(
    {
      name: "sluice_run_coordinator_lag_seconds",
      help: "Time since the coordinator of a run last published its progress (every second); for an hour after it died.",
      labels: ["run"],
    },
    runs.map(({ run, silentMs }) => ({ labels: { run }, value: Math.max(0, silentMs) / 1_000 })),
  );
  registry.gauge(
    {
      name: "sluice_run_items",
      help: "Items of a run with a coordinator: total, succeeded, failed, in-flight.",
      labels: ["run", "state"],
    },
    runs.flatMap(({ run, items }) => {
      if (!items) return [];
      const { total, succeeded, failed, inFlight } = items;
      const states = { total, succeeded, failed, "in-flight": inFlight };
      return Object.entries(states).map(([state, value]) => ({ labels: { run, state }, value }));
    }),
  );
}

function addRedis(registry: MetricsRegistry, { redis }: MetricsSample): void {
  const gauges = [
    ["sluice_redis_memory_bytes", "Memory in use by Redis.", redis.usedBytes],
    ["sluice_redis_memory_limit_bytes", "Memory limit of Redis (maxmemory), if set.", redis.maxBytes],
    ["sluice_redis_memory_mark_bytes", "Memory use above which the dashboard warns.", redis.warningBytes],
    ["sluice_redis_clients", "Connections to Redis.", redis.clients],
  ] as const;
  for (const [name, help, value] of gauges) {
    registry.gauge({ name, help, labels: [] }, value === undefined ? [] : toUnlabeledValue(value));
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function max(values: readonly number[]): number {
  return Math.max(0, ...values);
}

function toUnlabeledValue(value: number): { labels: Record<never, string>; value: number }[] {
  return [{ labels: {}, value }];
}
