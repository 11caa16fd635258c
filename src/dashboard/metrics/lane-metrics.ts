import { parseLane } from "../../core/lane.ts";
import type { LaneFigures } from "../../queue/telemetry.ts";
import type { LaneView, ShareView } from "../contract.ts";
import type { MetricBook } from "./metric-book.ts";
import type { MetricsSample } from "./metrics-sample.ts";

/** Limits and their use, and what calls came to, lane by lane. */
export function addLaneMetrics(book: MetricBook, { lanes, totals }: MetricsSample): void {
  addLimits(book, lanes);
  addLaneStates(book, lanes);
  addCalls(book, totals);
  addMoney(book, totals);
  addDurations(book, totals);
}

const LANE = ["lane", "provider"] as const;

function addLimits(book: MetricBook, lanes: readonly LaneView[]): void {
  const shares = [
    ["requests", "requests_in_window", "requests within the last minute", "requests"],
    ["tokens", "tokens_in_window", "tokens within the last minute, as reserved or reported", "tokens"],
    ["concurrency", "calls_in_flight", "upstream calls under way, over all workers", "concurrency"],
  ] as const;
  for (const [field, used, what, limit] of shares) {
    const values = (pick: (share: ShareView) => number | undefined) =>
      lanes.flatMap((lane) => laneValue(lane, pick(lane[field])));
    book.gauge(
      { name: `sluice_lane_${used}`, help: `Lane: ${what}.`, labels: LANE },
      values((s) => s.used),
    );
    book.gauge(
      {
        name: `sluice_lane_${limit}_limit`,
        help: `Lane: allowed ${limit}, where a limit is known.`,
        labels: LANE,
      },
      values((s) => s.allowed),
    );
    book.gauge(
      {
        name: `sluice_lane_${limit}_learned_limit`,
        help: `Lane: ${limit} in force after throttle answers, while below the allowed ones.`,
        labels: LANE,
      },
      values((s) => s.learned),
    );
  }
}

function addLaneStates(book: MetricBook, lanes: readonly LaneView[]): void {
  const states = ["open", "snoozed", "parked"] as const;
  book.gauge(
    {
      name: "sluice_lane_state",
      help: "Lane: 1 for the state it is in, 0 for the others.",
      labels: [...LANE, "state"],
    },
    lanes.flatMap((lane) =>
      states.map((state) => ({ labels: { ...labelsOf(lane), state }, value: lane.state === state ? 1 : 0 })),
    ),
  );
  book.gauge(
    {
      name: "sluice_lane_faults_in_a_row",
      help: "Lane: faults in a row; from 5 on it is out.",
      labels: LANE,
    },
    lanes.flatMap((lane) => laneValue(lane, lane.faultStreak)),
  );
}

function addCalls(book: MetricBook, totals: MetricsSample["totals"]): void {
  book.counter(
    {
      name: "sluice_calls_total",
      help: "Upstream calls that ended, by outcome: answered, or the kind of their error.",
      labels: [...LANE, "outcome"],
    },
    each(totals, ({ answered, errors }) => ({ answered, ...errors }), "outcome"),
  );
  book.counter(
    { name: "sluice_call_inputs_total", help: "Inputs of answered calls.", labels: LANE },
    perLane(totals, ({ inputs }) => inputs),
  );
  book.counter(
    {
      name: "sluice_throttles_total",
      help: "Upstream calls refused for their rate (throttled, overloaded).",
      labels: LANE,
    },
    perLane(totals, ({ throttles }) => throttles),
  );
}

function addMoney(book: MetricBook, totals: MetricsSample["totals"]): void {
  book.counter(
    {
      name: "sluice_tokens_total",
      help: "Tokens of answered calls as reported, estimated where nothing was; direction is input or output.",
      labels: [...LANE, "direction"],
    },
    each(totals, ({ tokens }) => ({ ...tokens }), "direction"),
  );
  book.counter(
    {
      name: "sluice_cost_total",
      help: "Money spent on answered calls whose price is known, in units of the currency.",
      labels: [...LANE, "currency"],
    },
    each(totals, ({ cost }) => cost, "currency"),
  );
  book.counter(
    { name: "sluice_unpriced_calls_total", help: "Answered calls whose price nobody knows.", labels: LANE },
    perLane(totals, ({ unpriced }) => unpriced),
  );
}

function addDurations(book: MetricBook, totals: MetricsSample["totals"]): void {
  const all = [...totals];
  book.durations(
    {
      name: "sluice_call_duration_seconds",
      help: "From sending a request to its whole answer, of answered calls.",
      labels: LANE,
    },
    all.map(([lane, { durations }]) => ({ labels: labelsFor(lane), histogram: durations })),
  );
  book.durations(
    {
      name: "sluice_first_delta_seconds",
      help: "From sending a request to the first delta of its answer, of streamed calls.",
      labels: LANE,
    },
    all.map(([lane, { firstDeltas }]) => ({ labels: labelsFor(lane), histogram: firstDeltas })),
  );
}

function labelsOf({ name, provider }: LaneView): { lane: string; provider: string } {
  return { lane: name, provider };
}

function labelsFor(lane: string): { lane: string; provider: string } {
  return { lane, provider: parseLane(lane)?.provider ?? "" };
}

function laneValue(lane: LaneView, value: number | undefined) {
  return value === undefined ? [] : [{ labels: labelsOf(lane), value }];
}

function perLane(totals: MetricsSample["totals"], pick: (figures: LaneFigures) => number) {
  return [...totals].map(([lane, figures]) => ({ labels: labelsFor(lane), value: pick(figures) }));
}

/** One value per lane and per name of what `pick` gives, which becomes the label. */
function each<L extends string>(
  totals: MetricsSample["totals"],
  pick: (figures: LaneFigures) => Readonly<Record<string, number | undefined>>,
  label: L,
) {
  return [...totals].flatMap(([lane, figures]) =>
    Object.entries(pick(figures)).map(([name, value = 0]) => ({
      labels: { ...labelsFor(lane), [label]: name } as Record<"lane" | "provider" | L, string>,
      value,
    })),
  );
}
