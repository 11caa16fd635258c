import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import {
  addStats,
  EMPTY_STATS,
  type LanePoint,
  type LaneStats,
  TELEMETRY_STEPS,
  type TelemetryStep,
} from "./telemetry.ts";
import { listActiveLanes, readLaneSeries } from "./telemetry-reader.ts";

/** Length of the history: an hour in fine steps, a day in coarse steps. */
export const HISTORY_SPAN_MS: Readonly<Record<TelemetryStep, number>> = {
  fine: 3600_000,
  coarse: 24 * 3600_000,
};

/** Steps that are read again at each refresh: the current one, and the one before, to which late flushes still add. */
const UNSETTLED_STEPS = 2;

/** Oldest first, without gaps. */
type CachedSeries = Readonly<Record<TelemetryStep, readonly LanePoint[]>>;

/**
 * The last hour and day of every lane, cached by one process for all its readers. `refresh` reads only the steps that
 * may have changed since the previous refresh: a few commands per lane.
 */
export class TelemetryHistory {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #cached = new Map<string, CachedSeries>();
  #now = 0;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Redis's time at the last refresh, epoch ms; 0 before the first. */
  get now(): number {
    return this.#now;
  }

  /** Names of the lanes found by the last refresh, sorted. */
  lanes(): string[] {
    return [...this.#cached.keys()].sort();
  }

  /** A lane's steps, oldest first; the last one is still in progress. Empty for an unknown lane. */
  series(lane: string, step: TelemetryStep): readonly LanePoint[] {
    return this.#cached.get(lane)?.[step] ?? [];
  }

  /** The sum of the last `ms` (up to an hour), in fine steps, including the one in progress. */
  recent(lane: string, ms: number): LaneStats {
    const since = this.#now - ms;
    return this.series(lane, "fine")
      .filter(({ at }) => at > since)
      .reduce<LaneStats>(addStats, EMPTY_STATS);
  }

  /** Rejects if Redis cannot be read; the cache then stays unchanged. */
  async refresh(): Promise<void> {
    const [now, lanes] = await Promise.all([readServerTime(this.#client), listActiveLanes(this.#client, this.#keys)]);
    const refreshed = await Promise.all(
      lanes.map(async (lane): Promise<CachedSeries> => {
        const fine = await this.#advance(lane, "fine", now);
        return { fine, coarse: await this.#advance(lane, "coarse", now) };
      }),
    );
    this.#cached.clear();
    for (const [i, series] of refreshed.entries()) this.#cached.set(lanes[i] ?? "", series);
    this.#now = now;
  }

  async #advance(lane: string, step: TelemetryStep, now: number): Promise<LanePoint[]> {
    const { stepMs } = TELEMETRY_STEPS[step];
    const span = HISTORY_SPAN_MS[step];
    const oldest = (Math.floor(now / stepMs) - span / stepMs + 1) * stepMs;
    const previous = this.series(lane, step);
    const newest = previous.at(-1)?.at ?? 0;
    // After a jump of Redis's clock in either direction, the cached steps cannot be continued.
    const canContinue = newest <= now && newest >= oldest + stepMs;
    const settled = canContinue ? previous.slice(0, Math.max(0, previous.length - UNSETTLED_STEPS)) : [];
    const from = settled.length > 0 ? (settled.at(-1)?.at ?? 0) + stepMs : oldest;
    const read = await readLaneSeries(this.#client, this.#keys, lane, step, { from, to: now });
    return [...settled, ...read].filter(({ at }) => at >= oldest);
  }
}
