import { expect, test } from "vitest";
import { DURATION_BOUNDS_MS } from "#src/core/duration-histogram.ts";
import { METRICS_CONTENT_TYPE, renderMetrics } from "#src/dashboard/metrics/render-metrics.ts";
import { parseMetrics, sampleMetrics } from "./sample-metrics.ts";

test("every value has its name, its labels and its unit", async () => {
  const metrics = parseMetrics(await renderMetrics(sampleMetrics()));
  const lane = 'lane="minimax/embo-01",provider="minimax"';
  expect(metrics.values).toMatchObject({
    sluice_redis_up: 1,
    'sluice_build_info{version="1.2.3"}': 1,
    [`sluice_lane_requests_in_window{${lane}}`]: 42,
    [`sluice_lane_requests_limit{${lane}}`]: 60,
    [`sluice_lane_requests_learned_limit{${lane}}`]: 48,
    [`sluice_lane_calls_in_flight{${lane}}`]: 3,
    [`sluice_lane_state{${lane},state="snoozed"}`]: 1,
    [`sluice_lane_state{${lane},state="open"}`]: 0,
    [`sluice_calls_total{${lane},outcome="answered"}`]: 10,
    [`sluice_calls_total{${lane},outcome="throttled"}`]: 2,
    [`sluice_tokens_total{${lane},direction="input"}`]: 1_000,
    [`sluice_cost_total{${lane},currency="CNY"}`]: 0.25,
    'sluice_records_total{outcome="too-long"}': 4,
    'sluice_queue_jobs{queue="minimax-embedding",provider="minimax",kind="embedding",priority="bulk",state="waiting"}': 7,
    'sluice_workers{state="alive"}': 2,
    'sluice_workers{state="dead"}': 1,
    sluice_workers_jobs_in_flight: 9,
    sluice_workers_calls_in_flight: 4,
    sluice_workers_event_loop_lag_seconds: 0.25,
    'sluice_run_coordinator_lag_seconds{run="run-1"}': 1.5,
    'sluice_run_coordinator_lag_seconds{run="lost"}': 40,
    'sluice_run_items{run="run-1",state="in-flight"}': 5,
    sluice_runs_coordinated: 1,
    'sluice_runs{state="running"}': 1,
    'sluice_runs{state="stopped"}': 2,
    'sluice_runs{state="parked"}': 0,
    sluice_redis_memory_bytes: 1_000_000,
  });
});

test("the buckets of a histogram are cumulative, and the last one contains all", async () => {
  const text = await renderMetrics(sampleMetrics());
  const buckets = [...text.matchAll(/^sluice_call_duration_seconds_bucket\{.*le="([^"]+)"\} (\d+)$/gm)].map(
    ([, le, count]) => [le, Number(count)] as const,
  );
  expect(buckets).toHaveLength(DURATION_BOUNDS_MS.length + 1);
  expect(buckets.at(-1)).toEqual(["+Inf", 3]);
  expect(buckets.find(([le]) => le === "0.15")?.[1]).toBe(2);
  const counts = buckets.map(([, count]) => count);
  expect([...counts].sort((a, b) => a - b)).toEqual(counts);
  const { values } = parseMetrics(text);
  const lane = 'lane="minimax/embo-01",provider="minimax"';
  expect(values[`sluice_call_duration_seconds_count{${lane}}`]).toBe(3);
  expect(values[`sluice_call_duration_seconds_sum{${lane}}`]).toBeCloseTo(1.2);
});

test("unknown values are absent, not zero", async () => {
  const sample = sampleMetrics();
  const [lane] = sample.lanes;
  const unlimited = { ...lane!, tokens: { used: 5 }, requests: { used: 1 } };
  const text = await renderMetrics({ ...sample, lanes: [unlimited], redis: { isPrivate: true } });
  expect(text).not.toMatch(/^sluice_lane_tokens_limit\{/m);
  expect(text).not.toMatch(/^sluice_lane_requests_learned_limit\{/m);
  expect(text).not.toMatch(/^sluice_redis_memory_bytes /m);
  expect(text).toMatch(/^# HELP sluice_redis_memory_bytes /m);
});

test("while Redis is unavailable, only that is exported", async () => {
  const { values } = parseMetrics(await renderMetrics(undefined));
  expect(values).toEqual({ sluice_redis_up: 0 });
});

test("hostile names cannot break out of their label", async () => {
  const sample = sampleMetrics();
  const hostile = 'evil"} 1\nsluice_redis_up 7 #\\';
  const { values } = parseMetrics(
    await renderMetrics({ ...sample, runs: [{ run: hostile, hasCoordinator: true, silentMs: 0 }] }),
  );
  expect(values.sluice_redis_up).toBe(1);
  expect(Object.keys(values).filter((name) => name.includes("coordinator_lag"))).toHaveLength(1);
});

test("every metric has help and a type, and every name contains its unit", async () => {
  const text = await renderMetrics(sampleMetrics());
  const { types } = parseMetrics(text);
  for (const [name, type] of Object.entries(types)) {
    expect(name).toMatch(/^sluice_[a-z_]+$/);
    expect(text).toContain(`# HELP ${name} `);
    if (type === "counter") expect(name).toMatch(/_total$/);
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
  }
  expect(METRICS_CONTENT_TYPE).toContain("version=0.0.4");
});

test("without workers, nothing is in flight and their lag is unknown", async () => {
  const { values } = parseMetrics(await renderMetrics({ ...sampleMetrics(), workers: [] }));
  expect(values).toMatchObject({ 'sluice_workers{state="alive"}': 0, sluice_workers_jobs_in_flight: 0 });
  expect(values).not.toHaveProperty("sluice_workers_event_loop_lag_seconds");
});
