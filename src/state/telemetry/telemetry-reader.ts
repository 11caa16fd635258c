import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { type LanePoint, type LaneStats, TELEMETRY_STEPS, type TelemetryStep } from "./telemetry.ts";
import { parseLaneStats } from "./telemetry-fields.ts";

/** Names of lanes that had calls within the last 25 hours (or `withinMs`), in order of their names. */
export async function listActiveLanes(
  client: RedisClient,
  keys: Keys,
  withinMs: number = TELEMETRY_STEPS.coarse.keepMs,
): Promise<string[]> {
  const now = await readServerTime(client);
  const names = await client.zrangebyscore(keys.lanes, now - withinMs, "+inf");
  return names.sort();
}

/**
 * A lane's figures step by step, oldest first and without holes: a step in which nothing happened has figures of zero.
 * From the step that holds `from` to the one that holds `to`, both epoch ms on Redis's clock and at most as far apart
 * as the steps are kept. One round trip, one command per step: whoever asks again and again asks for what is new, as
 * `TelemetryHistory` does.
 */
export async function readLaneSeries(
  client: RedisClient,
  keys: Keys,
  lane: string,
  step: TelemetryStep,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<LanePoint[]> {
  const { stepMs, keepMs } = TELEMETRY_STEPS[step];
  const last = Math.floor(to / stepMs);
  const first = Math.max(Math.floor(from / stepMs), last - Math.floor(keepMs / stepMs));
  const pipeline = client.pipeline();
  const laneKeys = keys.telemetry(lane);
  for (let slot = first; slot <= last; slot++) pipeline.hgetall(laneKeys.step(step, slot));
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, hash], i) => {
    if (error) throw error;
    return { at: (first + i) * stepMs, ...parseLaneStats(hash as Record<string, string>) };
  });
}

/** A lane's figures since ever, or since it was last idle for five weeks. */
export async function readLaneTotals(client: RedisClient, keys: Keys, lane: string): Promise<LaneStats> {
  return parseLaneStats(await client.hgetall(keys.telemetry(lane).totals));
}

/** Records committed since ever by what they are: `ok`, or the kind of their failure. */
export async function readRecordTotals(client: RedisClient, keys: Keys): Promise<Record<string, number>> {
  const hash = await client.hgetall(keys.records);
  return Object.fromEntries(Object.entries(hash).map(([kind, count]) => [kind, Number(count)]));
}
