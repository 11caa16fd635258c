import type { RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import { getRunPhase, isTerminalPhase } from "#src/dashboard/runs/summarize-run.ts";
import type { SystemSnapshot } from "#src/dashboard/sampling/snapshot-sampler.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { TOTALS_TTL_MS } from "#src/state/telemetry/telemetry.ts";
import { listActiveLanes, readLaneTotals, readRecordTotals } from "#src/state/telemetry/telemetry-reader.ts";
import type { CoordinatedRun, MetricsSample } from "./metrics-sample.ts";

/** A run without a coordinator is reported for this long after its last sign of life. */
export const SILENT_RUN_REPORTED_MS = 3600_000;

/** The latest snapshot plus what is only read for metrics: one or two commands per lane. */
export async function collectMetrics(
  snapshot: Pick<SystemSnapshot, "at" | "lanes" | "queues" | "workers" | "redis" | "runs">,
  { client, keys, version }: { readonly client: RedisClient; readonly keys: Keys; readonly version: string },
): Promise<MetricsSample> {
  const lanes = await listActiveLanes(client, keys, TOTALS_TTL_MS);
  const [records, ...totals] = await Promise.all([
    readRecordTotals(client, keys),
    ...lanes.map((lane) => readLaneTotals(client, keys, lane)),
  ]);
  const { at, lanes: views, queues, workers, redis, runs } = snapshot;
  return {
    version,
    lanes: views,
    totals: new Map(lanes.flatMap((lane, i) => (totals[i] ? [[lane, totals[i]] as const] : []))),
    records,
    queues,
    workers,
    redis,
    runs: runs.flatMap((known) => describeCoordinated(known, at)),
    runsByPhase: countPhases(runs),
  };
}

/**
 * Runs with a coordinator, and those that lost theirs recently: a lease expires ten seconds after its holder died, and
 * without a metric after that there would be nothing to alert on.
 */
function describeCoordinated(known: RunInfo, at: number): CoordinatedRun[] {
  const { run, hasCoordinator, published } = known;
  if (!published || published.end) return [];
  const silentMs = at - published.at;
  if (!hasCoordinator && (getRunPhase(known) !== "stopped" || silentMs > SILENT_RUN_REPORTED_MS)) return [];
  const items = hasCoordinator ? published.snapshot?.items : undefined;
  return [{ run, hasCoordinator, silentMs, items }];
}

function countPhases(runs: readonly RunInfo[]): MetricsSample["runsByPhase"] {
  const counts: Partial<Record<RunPhaseView, number>> = {};
  for (const known of runs) {
    const phase = getRunPhase(known);
    if (!isTerminalPhase(phase)) counts[phase] = (counts[phase] ?? 0) + 1;
  }
  return counts;
}
