import { type DurationHistogram, estimateQuantile } from "#src/core/duration-histogram.ts";
import { parseLane } from "#src/core/lane.ts";
import type { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";
import type { Percentiles, ProviderView, QueueView, Throughput } from "./overview-api.ts";
import { countCallFailures, mergeRecentStats, type RecentStats, readRecentStats } from "./recent-stats.ts";

/** Span of rates. */
const RATE_MS = 60_000;
/** Span of durations and error rates. */
const QUALITY_MS = 5 * 60_000;

/** Providers that have queues or had calls within the last day. Pure. */
export function describeProviders(
  telemetry: TelemetryHistory,
  queues: readonly (QueueView & { readonly provider: string })[],
): ProviderView[] {
  const lanes = groupLanesByProvider(telemetry);
  const names = new Set([...lanes.keys(), ...queues.map(({ provider }) => provider)]);
  return [...names].sort().map((name) => {
    const providerLanes = lanes.get(name) ?? [];
    const quality = readProviderStats(telemetry, providerLanes, QUALITY_MS);
    const { calls = 0, errors = {} } = quality?.stats ?? {};
    const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
    return {
      name,
      ...describeThroughput(readProviderStats(telemetry, providerLanes, RATE_MS)),
      queues: queues.flatMap(({ provider, ...queue }) => (provider === name ? [queue] : [])),
      upstreamMs: computePercentiles(quality?.stats.durations),
      firstTokenMs: computePercentiles(quality?.stats.firstDeltas),
      errorRate: calls > 0 ? failed / calls : undefined,
      errorsByKind: { ...errors },
    };
  });
}

/** All providers together. Pure. */
export function describeTotals(telemetry: TelemetryHistory): Throughput {
  return describeThroughput(readProviderStats(telemetry, telemetry.lanes(), RATE_MS));
}

export function groupLanesByProvider(telemetry: TelemetryHistory): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of telemetry.lanes()) {
    const provider = parseLane(name)?.provider;
    if (provider !== undefined) found.set(provider, [...(found.get(provider) ?? []), name]);
  }
  return found;
}

function readProviderStats(telemetry: TelemetryHistory, lanes: readonly string[], ms: number): RecentStats | undefined {
  return mergeRecentStats(lanes.flatMap((lane) => readRecentStats(telemetry, lane, ms) ?? []));
}

function describeThroughput(recent: RecentStats | undefined): Throughput {
  if (!recent) return {};
  const { stats, perMinute } = recent;
  return {
    callsPerMinute: perMinute(stats.answered),
    itemsPerMinute: perMinute(stats.inputs),
    tokensPerMinute: perMinute(stats.tokens.input + stats.tokens.output),
    failuresPerMinute: perMinute(countCallFailures(stats)),
    throttlesPerMinute: perMinute(stats.throttles),
  };
}

function computePercentiles(histogram: DurationHistogram | undefined): Percentiles | undefined {
  if (!histogram) return undefined;
  const [p50, p95] = [estimateQuantile(histogram, 0.5), estimateQuantile(histogram, 0.95)];
  return p50 === undefined || p95 === undefined ? undefined : { p50, p95 };
}
