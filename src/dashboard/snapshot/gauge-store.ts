import { HISTORY_SPANS, type HistorySpan } from "#src/dashboard/overview/build-history.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { GaugeHistory } from "./gauges.ts";

/** Steps that share a key: an hour is 7 keys, a day 6, of some kilobytes each. */
const STEPS_PER_KEY = 60;

/**
 * Keeps gauges in Redis, so that charts go on where another server, or this one before it was started again, has left
 * off. A step is written once, by whoever sees it first: two commands in ten seconds, and two more in five minutes.
 */
export class GaugeStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #written = new Map<HistorySpan, number>();

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Puts what Redis knows of the last hour and day before `now` into histories that nobody has noted in yet. */
  async load(now: number, histories: Readonly<Record<HistorySpan, GaugeHistory>>): Promise<void> {
    await Promise.all(
      (["hour", "day"] as const).map(async (span) => {
        const { stepMs, spanMs } = HISTORY_SPANS[span];
        const perKey = stepMs * STEPS_PER_KEY;
        const buckets: number[] = [];
        for (let bucket = Math.floor((now - spanMs) / perKey); bucket <= Math.floor(now / perKey); bucket++)
          buckets.push(bucket);
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

  /** Writes down the step under way, unless it was. */
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

/** What is no number by a name was not written by us, and is nothing. */
function parseValues(text: string): Map<string, number> {
  try {
    const values: unknown = JSON.parse(text);
    if (typeof values !== "object" || values === null) return new Map();
    return new Map(
      Object.entries(values).flatMap(([name, value]) =>
        typeof value === "number" && Number.isFinite(value) ? [[name, value] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
}
