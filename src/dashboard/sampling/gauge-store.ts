import { HISTORY_SPANS, type HistorySpan } from "#src/dashboard/overview/build-history.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { GaugeHistory } from "./gauges.ts";

/** Steps per key: the last hour takes 7 keys and the last day 6, of some kilobytes each. */
const STEPS_PER_KEY = 60;

/**
 * Keeps gauges in Redis, so that charts continue after a restart and on another server. Each step is written once, by
 * the first server that samples it: two commands every ten seconds, and two more every five minutes.
 */
export class GaugeStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #written = new Map<HistorySpan, number>();

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Loads the last hour and day before `now` into empty histories. */
  async load(now: number, histories: Readonly<Record<HistorySpan, GaugeHistory>>): Promise<void> {
    await Promise.all(
      (["hour", "day"] as const).map(async (span) => {
        const { stepMs, spanMs } = HISTORY_SPANS[span];
        const perKey = stepMs * STEPS_PER_KEY;
        const firstBucket = Math.floor((now - spanMs) / perKey);
        const bucketCount = Math.floor(now / perKey) - firstBucket + 1;
        const buckets = Array.from({ length: bucketCount }, (_, i) => firstBucket + i);
        const hashes = await Promise.all(
          buckets.map((bucket) => this.#client.hgetall(this.#keys.gauges(span, bucket))),
        );
        const steps = hashes.flatMap((hash) => Object.entries(hash)).map(([at, text]) => [Number(at), text] as const);
        for (const [at, text] of steps.sort(([a], [b]) => a - b)) {
          if (at > now - spanMs && at <= now && at % stepMs === 0) histories[span].record(at, parseValues(text));
        }
      }),
    );
  }

  /** Writes the current step, unless this server already has. */
  async save(now: number, values: ReadonlyMap<string, number>): Promise<void> {
    await Promise.all(
      (["hour", "day"] as const).map(async (span) => {
        const { stepMs, spanMs } = HISTORY_SPANS[span];
        const at = Math.floor(now / stepMs) * stepMs;
        if (this.#written.get(span) === at) return;
        this.#written.set(span, at);
        const perKey = stepMs * STEPS_PER_KEY;
        const key = this.#keys.gauges(span, Math.floor(at / perKey));
        const pipeline = this.#client.pipeline();
        pipeline.hsetnx(key, String(at), JSON.stringify(Object.fromEntries(values)));
        pipeline.pexpire(key, spanMs + perKey);
        await pipeline.exec();
      }),
    );
  }
}

/** Entries that are not numbers are left out. */
function parseValues(text: string): Map<string, number> {
  try {
    const values: unknown = JSON.parse(text);
    return new Map(Object.entries(values ?? {}).filter(([, value]) => Number.isFinite(value)));
  } catch {
    return new Map();
  }
}
