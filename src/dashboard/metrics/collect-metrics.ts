import { getRunPhase, isTerminalPhase } from "#src/dashboard/runs/describe-run.ts";
import type { RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import type { RunInfo } from "#src/dashboard/runs/run-cache.ts";
import type { SystemSnapshot } from "#src/dashboard/snapshot/snapshot-sampler.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { TOTALS_TTL_MS } from "#src/state/telemetry/telemetry.ts";
import { listActiveLanes, readLaneTotals, readRecordTotals } from "#src/state/telemetry/telemetry-reader.ts";
import type { CoordinatedRun, MetricsSample } from "./metrics-sample.ts";

/** A run that has been silent for longer is one of those that are stopped, and nothing new. */
export const SILENT_RUN_REPORTED_MS = 3600_000;

/** What was seen at the last look, with what has to be read for metrics alone: a command or two per lane. */
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
 * A lease lapses ten seconds after its holder's death; the run's silence must go on being told, or nobody could be
 * alerted to it.
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
