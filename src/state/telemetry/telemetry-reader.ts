import * as z from "zod";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { parseStoredNumber, reportMalformed } from "#src/redis/stored-json.ts";
import { type LanePoint, type LaneStats, TELEMETRY_STEPS, type TelemetryStep } from "./telemetry.ts";
import { parseLaneStats } from "./telemetry-fields.ts";

const laneHash = z.record(z.string(), z.string());

/** Names of the lanes that had calls within the last 25 hours (or `withinMs`), sorted. */
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
 * A lane's statistics per step, oldest first and without gaps (steps without calls have zeros), from the step that
 * contains `from` to the step that contains `to`, both epoch ms on Redis's clock. Steps that have expired are left out.
 * Takes one round trip with one command per step; use `TelemetryHistory` for repeated reads.
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
    const parsed = laneHash.safeParse(hash);
    // A key of another type affects its own step only; any other error means that the series cannot be read.
    if (error && !error.message.startsWith("WRONGTYPE")) throw error;
    if (!parsed.success) reportMalformed(client, laneKeys.step(step, first + i));
    return { at: (first + i) * stepMs, ...parseLaneStats(parsed.data ?? {}) };
  });
}

/** A lane's totals since its first call, or since it was last idle for five weeks. */
export async function readLaneTotals(client: RedisClient, keys: Keys, lane: string): Promise<LaneStats> {
  return parseLaneStats(await client.hgetall(keys.telemetry(lane).totals));
}

/** Numbers of all committed records, by `ok` or the kind of their failure. */
export async function readRecordTotals(client: RedisClient, keys: Keys): Promise<Record<string, number>> {
  const hash = await client.hgetall(keys.records);
  return Object.fromEntries(Object.entries(hash).map(([kind, count]) => [kind, parseStoredNumber(count) ?? 0]));
}
