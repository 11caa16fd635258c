import { TOTALS_TTL_MS } from "../../queue/telemetry.ts";
import { listActiveLanes, readLaneTotals, readRecordTotals } from "../../queue/telemetry-reader.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type { Look } from "../look/sampler.ts";
import type { MetricsSample } from "./metrics-sample.ts";

/** What was seen at the last look, with what has to be read for metrics alone: a command or two per lane. */
export async function collectMetrics(
  look: Pick<Look, "at" | "lanes" | "queues" | "workers" | "redis" | "runs">,
  { client, keys, version }: { readonly client: RedisClient; readonly keys: Keys; readonly version: string },
): Promise<MetricsSample> {
  const lanes = await listActiveLanes(client, keys, TOTALS_TTL_MS);
  const [records, ...totals] = await Promise.all([
    readRecordTotals(client, keys),
    ...lanes.map((lane) => readLaneTotals(client, keys, lane)),
  ]);
  const { at, lanes: views, queues, workers, redis, runs } = look;
  return {
    version,
    lanes: views,
    totals: new Map(lanes.flatMap((lane, i) => (totals[i] ? [[lane, totals[i]] as const] : []))),
    records,
    queues,
    workers,
    redis,
    runs: runs.flatMap(({ run, coordinated, published }) =>
      coordinated && published && !published.end
        ? [
            {
              run,
              silentMs: at - published.at,
              ...(published.snapshot ? { items: published.snapshot.items } : {}),
            },
          ]
        : [],
    ),
  };
}
