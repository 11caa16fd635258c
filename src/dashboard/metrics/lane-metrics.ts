import { parseLane } from "#src/core/lane.ts";
import type { LaneView, LimitUsageView } from "#src/dashboard/overview/lane-api.ts";
import type { LaneStats } from "#src/state/telemetry/telemetry.ts";
import type { MetricsRegistry } from "./metrics-registry.ts";
import type { MetricsSample } from "./metrics-sample.ts";

/** Limits and their use, and the outcome, cost and duration of calls, by lane. */
export function addLaneMetrics(registry: MetricsRegistry, { lanes, totals }: MetricsSample): void {
  addLimits(registry, lanes);
  addWindows(registry, lanes);
  addLaneStates(registry, lanes);
  addCalls(registry, totals);
  addCosts(registry, totals);
  addDurations(registry, totals);
}

const LANE = ["lane", "provider"] as const;

function addLimits(registry: MetricsRegistry, lanes: readonly LaneView[]): void {
  const dimensions = [
    ["requests", "requests_in_window", "requests within the last minute", "requests"],
    ["tokens", "tokens_in_window", "tokens within the last minute, as reserved or reported", "tokens"],
    ["concurrency", "calls_in_flight", "upstream calls in flight, over all workers", "concurrency"],
  ] as const;
  for (const [field, used, description, limit] of dimensions) {
    const pickValues = (pick: (usage: LimitUsageView) => number | undefined) =>
      lanes.flatMap((lane) => toLaneValue(lane, pick(lane[field])));
    registry.gauge(
      { name: `sluice_lane_${used}`, help: `Lane: ${description}.`, labels: LANE },
      pickValues((usage) => usage.used),
    );
    registry.gauge(
      {
        name: `sluice_lane_${limit}_limit`,
        help: `Lane: allowed ${limit}, if a limit is known.`,
        labels: LANE,
      },
      pickValues((usage) => usage.allowed),
    );
    registry.gauge(
      {
        name: `sluice_lane_${limit}_learned_limit`,
        help: `Lane: learned limit of ${limit} after throttled calls, while it is below the allowed one.`,
        labels: LANE,
      },
      pickValues((usage) => usage.learned),
    );
  }
}

/** The limits per second, hour, and day, which have labels of their own. */
function addWindows(registry: MetricsRegistry, lanes: readonly LaneView[]): void {
  const pickValues = (pick: (usage: LimitUsageView) => number | undefined) =>
    lanes.flatMap((lane) =>
      (lane.windows ?? []).flatMap(({ dimension, window, ...usage }) => {
        const value = pick(usage);
        return value === undefined ? [] : [{ labels: { ...buildViewLabels(lane), dimension, window }, value }];
      }),
    );
  const labels = [...LANE, "dimension", "window"];
  registry.gauge(
    { name: "sluice_lane_window_used", help: "Lane: requests or tokens within the last second, hour, or day.", labels },
    pickValues((usage) => usage.used),
  );
  registry.gauge(
    { name: "sluice_lane_window_limit", help: "Lane: allowed requests or tokens per second, hour, or day.", labels },
    pickValues((usage) => usage.allowed),
  );
  registry.gauge(
    {
      name: "sluice_lane_window_learned_limit",
      help: "Lane: learned limit per second after throttled calls, while it is below the allowed one.",
      labels,
    },
    pickValues((usage) => usage.learned),
  );
}

function addLaneStates(registry: MetricsRegistry, lanes: readonly LaneView[]): void {
  const states = ["open", "snoozed", "parked"] as const;
  registry.gauge(
    {
      name: "sluice_lane_state",
      help: "Lane: 1 for its current state, 0 for the others.",
      labels: [...LANE, "state"],
    },
    lanes.flatMap((lane) =>
      states.map((state) => ({
        labels: { ...buildViewLabels(lane), state },
        value: lane.state === state ? 1 : 0,
      })),
    ),
  );
  registry.gauge(
    {
      name: "sluice_lane_faults_in_a_row",
      help: "Lane: faults in a row. From 5 on the lane is out: one probe call at a time.",
      labels: LANE,
    },
    lanes.flatMap((lane) => toLaneValue(lane, lane.faultStreak)),
  );
}

function addCalls(registry: MetricsRegistry, totals: MetricsSample["totals"]): void {
  registry.counter(
    {
      name: "sluice_calls_total",
      help: "Finished upstream calls by outcome: answered, or the kind of their error.",
      labels: [...LANE, "outcome"],
    },
    expandByLabel(totals, ({ answered, errors }) => ({ answered, ...errors }), "outcome"),
  );
  registry.counter(
    { name: "sluice_call_inputs_total", help: "Inputs of answered calls.", labels: LANE },
    toLaneValues(totals, ({ inputs }) => inputs),
  );
  registry.counter(
    {
      name: "sluice_throttles_total",
      help: "Upstream calls that the provider refused because of their rate (throttled, overloaded).",
      labels: LANE,
    },
    toLaneValues(totals, ({ throttles }) => throttles),
  );
}

function addCosts(registry: MetricsRegistry, totals: MetricsSample["totals"]): void {
  registry.counter(
    {
      name: "sluice_tokens_total",
      help: "Tokens of answered calls, as reported or else estimated; direction is input or output.",
      labels: [...LANE, "direction"],
    },
    expandByLabel(totals, ({ tokens }) => ({ ...tokens }), "direction"),
  );
  registry.counter(
    {
      name: "sluice_cost_total",
      help: "Cost of answered calls with a known price, in units of the currency.",
      labels: [...LANE, "currency"],
    },
    expandByLabel(totals, ({ cost }) => cost, "currency"),
  );
  registry.counter(
    { name: "sluice_unpriced_calls_total", help: "Answered calls without a known price.", labels: LANE },
    toLaneValues(totals, ({ unpriced }) => unpriced),
  );
}

function addDurations(registry: MetricsRegistry, totals: MetricsSample["totals"]): void {
  const all = [...totals];
  registry.durations(
    {
      name: "sluice_call_duration_seconds",
      help: "Time from sending a request to its complete answer, for answered calls.",
      labels: LANE,
    },
    all.map(([lane, { durations }]) => ({ labels: buildLaneLabels(lane), histogram: durations })),
  );
  registry.durations(
    {
      name: "sluice_first_delta_seconds",
      help: "Time from sending a request to the first delta of its answer, for streamed calls.",
      labels: LANE,
    },
    all.map(([lane, { firstDeltas }]) => ({ labels: buildLaneLabels(lane), histogram: firstDeltas })),
  );
}

function buildViewLabels({ name, provider }: LaneView): { lane: string; provider: string } {
  return { lane: name, provider };
}

function buildLaneLabels(lane: string): { lane: string; provider: string } {
  return { lane, provider: parseLane(lane)?.provider ?? "" };
}

function toLaneValue(lane: LaneView, value: number | undefined) {
  return value === undefined ? [] : [{ labels: buildViewLabels(lane), value }];
}

function toLaneValues(totals: MetricsSample["totals"], pick: (stats: LaneStats) => number) {
  return [...totals].map(([lane, stats]) => ({ labels: buildLaneLabels(lane), value: pick(stats) }));
}

/** One value per lane and per entry of the picked record, whose name becomes the label. */
function expandByLabel<L extends string>(
  totals: MetricsSample["totals"],
  pick: (stats: LaneStats) => Readonly<Record<string, number | undefined>>,
  label: L,
) {
  return [...totals].flatMap(([lane, stats]) =>
    Object.entries(pick(stats)).map(([name, value = 0]) => ({
      labels: { ...buildLaneLabels(lane), [label]: name } as Record<"lane" | "provider" | L, string>,
      value,
    })),
  );
}
