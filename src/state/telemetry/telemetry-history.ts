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

/** How far back a history goes: an hour in fine steps, a day in coarse ones. */
export const HISTORY_SPAN_MS: Readonly<Record<TelemetryStep, number>> = {
  fine: 3600_000,
  coarse: 24 * 3600_000,
};

/** Steps that are read again each time: the one under way, and the one before, which late flushes still add to. */
const UNSETTLED_STEPS = 2;

interface CachedSeries {
  /** Oldest first, without holes. */
  points: LanePoint[];
}

/**
 * The last hour and day of every lane, held in memory by one process for all its readers. `refresh` asks Redis only
 * for what may have changed since the last time: a few commands per lane.
 */
export class TelemetryHistory {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #cached = new Map<string, Record<TelemetryStep, CachedSeries>>();
  #now = 0;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Redis's time at the last refresh, epoch ms; 0 before the first. */
  get now(): number {
    return this.#now;
  }

  /** Names of the lanes known by the last refresh, in order. */
  lanes(): string[] {
    return [...this.#cached.keys()].sort();
  }

  /** A lane's steps, oldest first, the last one being under way; empty for a lane that is not known. */
  series(lane: string, step: TelemetryStep): readonly LanePoint[] {
    return this.#cached.get(lane)?.[step].points ?? [];
  }

  /** The figures of the last `ms` (up to an hour) added up, in whole fine steps with the one under way. */
  recent(lane: string, ms: number): LaneStats {
    const since = this.#now - ms;
    return this.series(lane, "fine")
      .filter(({ at }) => at > since)
      .reduce<LaneStats>(addStats, EMPTY_STATS);
  }

  /** Rejects when Redis cannot be asked; what is held then stays as it was. */
  async refresh(): Promise<void> {
    const [now, lanes] = await Promise.all([readServerTime(this.#client), listActiveLanes(this.#client, this.#keys)]);
    const fresh = await Promise.all(
      lanes.map(
        async (lane) =>
          [
            lane,
            {
              fine: await this.#advance(lane, "fine", now),
              coarse: await this.#advance(lane, "coarse", now),
            },
          ] as const,
      ),
    );
    this.#cached.clear();
    for (const [lane, cached] of fresh) this.#cached.set(lane, cached);
    this.#now = now;
  }

  async #advance(lane: string, step: TelemetryStep, now: number): Promise<CachedSeries> {
    const { stepMs } = TELEMETRY_STEPS[step];
    const span = HISTORY_SPAN_MS[step];
    const oldest = (Math.floor(now / stepMs) - span / stepMs + 1) * stepMs;
    const previous = this.#cached.get(lane)?.[step].points ?? [];
    const newest = previous.at(-1)?.at ?? 0;
    // A clock that jumped, either way, leaves nothing that could be carried on.
    const canContinue = newest <= now && newest >= oldest + stepMs;
    const settled = canContinue ? previous.slice(0, Math.max(0, previous.length - UNSETTLED_STEPS)) : [];
    const from = settled.length > 0 ? (settled.at(-1)?.at ?? 0) + stepMs : oldest;
    const read = await readLaneSeries(this.#client, this.#keys, lane, step, { from, to: now });
    return { points: [...settled, ...read].filter(({ at }) => at >= oldest) };
  }
}
