import { type DurationHistogram, durationQuantile } from "../../core/duration-histogram.ts";
import { parseLane } from "../../core/lane.ts";
import type { TelemetryHistory } from "../../queue/telemetry-history.ts";
import type { Percentiles, ProviderView, QueueView, Throughput } from "../contract.ts";
import { addRecent, failuresOf, type RecentFigures, recentFigures } from "./recent-figures.ts";

const RATE_MS = 60_000;
const QUALITY_MS = 5 * 60_000;

/** Providers that have queues, or had calls within the last day. Pure. */
export function describeProviders(
  telemetry: TelemetryHistory,
  queues: readonly (QueueView & { readonly provider: string })[],
): ProviderView[] {
  const lanes = lanesByProvider(telemetry);
  const names = new Set([...lanes.keys(), ...queues.map(({ provider }) => provider)]);
  return [...names].sort().map((name) => {
    const own = lanes.get(name) ?? [];
    const quality = recentOf(telemetry, own, QUALITY_MS);
    const upstreamMs = percentiles(quality?.figures.durations);
    const firstTokenMs = percentiles(quality?.figures.firstDeltas);
    const { calls = 0, errors = {} } = quality?.figures ?? {};
    const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
    return {
      name,
      ...throughputOf(recentOf(telemetry, own, RATE_MS)),
      queues: queues.flatMap(({ provider, ...queue }) => (provider === name ? [queue] : [])),
      ...(upstreamMs ? { upstreamMs } : {}),
      ...(firstTokenMs ? { firstTokenMs } : {}),
      ...(calls > 0 ? { errorRate: failed / calls } : {}),
      errorsByKind: { ...errors },
    };
  });
}

/** All providers together. Pure. */
export function describeTotals(telemetry: TelemetryHistory): Throughput {
  return throughputOf(recentOf(telemetry, telemetry.lanes(), RATE_MS));
}

export function lanesByProvider(telemetry: TelemetryHistory): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of telemetry.lanes()) {
    const provider = parseLane(name)?.provider;
    if (provider !== undefined) found.set(provider, [...(found.get(provider) ?? []), name]);
  }
  return found;
}

function recentOf(
  telemetry: TelemetryHistory,
  lanes: readonly string[],
  ms: number,
): RecentFigures | undefined {
  return addRecent(lanes.flatMap((lane) => recentFigures(telemetry, lane, ms) ?? []));
}

function throughputOf(recent: RecentFigures | undefined): Throughput {
  if (!recent) return {};
  const { figures, perMinute } = recent;
  return {
    callsPerMinute: perMinute(figures.answered),
    itemsPerMinute: perMinute(figures.inputs),
    tokensPerMinute: perMinute(figures.tokens.input + figures.tokens.output),
    failuresPerMinute: perMinute(failuresOf(figures)),
    throttlesPerMinute: perMinute(figures.throttles),
  };
}

function percentiles(histogram: DurationHistogram | undefined): Percentiles | undefined {
  if (!histogram) return undefined;
  const [p50, p95] = [durationQuantile(histogram, 0.5), durationQuantile(histogram, 0.95)];
  return p50 === undefined || p95 === undefined ? undefined : { p50, p95 };
}
