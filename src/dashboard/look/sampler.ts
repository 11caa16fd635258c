import { performance } from "node:perf_hooks";
import { coerceError } from "../../core/errors.ts";
import type { LaneSnapshot } from "../../producer/run-snapshot.ts";
import { TelemetryHistory } from "../../queue/telemetry-history.ts";
import type { ListedWorker } from "../../queue/worker-list.ts";
import { listWorkers } from "../../queue/worker-list.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";
import type { LaneView, ProviderView, QueueView, RedisView } from "../contract.ts";
import type { KnownRun, RunBook } from "../runs/run-book.ts";
import { SPANS } from "./build-history.ts";
import { describeProviders } from "./describe-providers.ts";
import { GaugeStore } from "./gauge-store.ts";
import { GaugeHistory } from "./gauges.ts";
import { type LaneLookDeps, lookAtLanes } from "./look-at-lanes.ts";
import type { QueueBook } from "./queue-book.ts";
import { readRedisInfo } from "./read-redis-info.ts";
import type { RedisGate } from "./redis-gate.ts";

/** Everything seen at one moment; all pages show parts of it. */
export interface Look {
  /** Redis's time, epoch ms. */
  readonly at: number;
  readonly lanes: readonly LaneView[];
  readonly providers: readonly ProviderView[];
  readonly queues: readonly (QueueView & { readonly provider: string })[];
  readonly workers: readonly ListedWorker[];
  readonly redis: RedisView;
  /** Newest first. */
  readonly runs: readonly KnownRun[];
}

export interface SamplerDeps extends Omit<LaneLookDeps, "telemetry"> {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly gate: RedisGate;
  readonly queues: QueueBook;
  readonly runs: RunBook;
  readonly isPrivate: boolean;
  /** Every look, for whoever remembers what was seen. */
  readonly onLook?: (look: Look) => void;
  readonly onError: (error: Error, where: string) => void;
}

const EVERY_MS = 1_000;
/** A look may be this old and still be an answer: pages that ask between two ticks must not make a look of their own. */
const FRESH_MS = 1_500;
/** While nobody watches: once a step of the last hour's chart, a little less so that none is left out. */
const IDLE_EVERY_MS = SPANS.hour.stepMs * 0.9;
const INFO_EVERY_MS = 5_000;

/**
 * Looks at Redis once a second for all pages together while anybody watches, every few seconds otherwise. All that is asked
 * in one look leaves in one write, and its number does not grow with items or with runs that have ended.
 */
export class Sampler {
  readonly telemetry: TelemetryHistory;
  readonly gauges = { hour: gaugesOf("hour"), day: gaugesOf("day") } as const;
  readonly #deps: SamplerDeps;
  readonly #store: GaugeStore;
  #isRestored = false;
  readonly #listeners = new Set<() => void>();
  readonly #watched = new Map<string, number>();
  #latest: Look | undefined;
  #looking: Promise<Look> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #info: { readonly at: number; readonly view: RedisView } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: SamplerDeps) {
    this.#deps = deps;
    this.telemetry = new TelemetryHistory(deps.client, deps.keys);
    this.#store = new GaugeStore(deps.client, deps.keys);
    this.#schedule();
  }

  get latest(): Look | undefined {
    return this.#latest;
  }

  /** Calls `listener` after every look, whether it succeeded or not, until the function returned is called. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#schedule();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Has a run read at every look, until the function returned is called. */
  watchRun(run: string): () => void {
    this.#watched.set(run, (this.#watched.get(run) ?? 0) + 1);
    return () => {
      const left = (this.#watched.get(run) ?? 1) - 1;
      if (left > 0) this.#watched.set(run, left);
      else this.#watched.delete(run);
    };
  }

  /** The latest look, or a new one when that is older than a moment; one for all who ask. Throws while Redis is away. */
  async look(): Promise<Look> {
    if (this.#latest && performance.now() - this.#lookedAt < FRESH_MS) return this.#latest;
    return await this.#lookNow();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const every = this.#listeners.size > 0 ? EVERY_MS : IDLE_EVERY_MS;
    // Since the last look, on a clock that only goes forward: whoever comes does not start a rhythm of their own.
    const due = Math.max(0, Math.min(every, this.#lookedAt + every - performance.now()));
    this.#timer = setTimeout(() => void this.#tick(), due);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    try {
      await this.#lookNow();
    } catch (error) {
      if (!this.#deps.gate.isAway) this.#deps.onError(coerceError(error), "sampler");
      this.#lookedAt = performance.now();
    }
    for (const listener of this.#listeners) listener();
    this.#schedule();
  }

  #lookNow(): Promise<Look> {
    this.#looking ??= this.#deps.gate
      .ask(() => this.#read())
      .then((look) => {
        this.#latest = look;
        this.#lookedAt = performance.now();
        this.#deps.onLook?.(look);
        return look;
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #read(): Promise<Look> {
    const { client, keys, queues, runs, limiter, limitsOf } = this.#deps;
    const begun = performance.now();
    // First what says which lanes there are: a lane that is new shows at once, however long ago the last look was.
    await Promise.all([queues.discover(), this.telemetry.refresh(), runs.look(this.#watched.keys())]);
    const at = this.telemetry.now;
    const listed = runs.list(at);
    const [lanes, counted, workers, redis] = await Promise.all([
      this.#lookAtLanes(listed, { limiter, limitsOf, telemetry: this.telemetry }),
      queues.count(),
      listWorkers(client, keys),
      this.#readInfo(),
    ]);
    const look: Look = {
      at,
      lanes,
      providers: describeProviders(this.telemetry, counted),
      queues: counted,
      workers,
      redis: { ...redis, roundTripMs: performance.now() - begun },
      runs: listed,
    };
    await this.#noteGauges(look);
    return look;
  }

  /** Those that had calls lately, those of runs at work, and those of runs that somebody looks at. */
  async #lookAtLanes(runs: readonly KnownRun[], deps: LaneLookDeps): Promise<LaneView[]> {
    const told = toldLanes(runs);
    const wanted = runs.filter(({ run, coordinated }) => coordinated || this.#watched.has(run));
    const names = [...this.telemetry.lanes(), ...wanted.flatMap(({ lanes }) => lanes), ...told.keys()];
    return await lookAtLanes(names, told, this.telemetry.now, deps);
  }

  async #readInfo(): Promise<RedisView> {
    const now = performance.now();
    if (this.#info && now - this.#info.at < INFO_EVERY_MS) return this.#info.view;
    const view = await readRedisInfo(this.#deps.client, this.#deps.isPrivate);
    this.#info = { at: now, view };
    return view;
  }

  async #noteGauges({ at, queues, workers, redis }: Look): Promise<void> {
    const values = new Map<string, number>();
    for (const { provider, waiting, delayed } of queues) {
      // What a paused run or a parked lane holds up is delayed, and is work all the same.
      for (const name of ["queue-depth", `queue-depth:${provider}`]) {
        values.set(name, (values.get(name) ?? 0) + waiting + delayed);
      }
    }
    values.set("workers", workers.filter(({ state }) => state === "alive").length);
    if (redis.usedBytes !== undefined) values.set("redis-memory", redis.usedBytes);
    if (!this.#isRestored) await this.#store.load(at, this.gauges);
    this.#isRestored = true;
    for (const gauges of Object.values(this.gauges)) gauges.note(at, values);
    // Charts are no reason to fail a look: a Redis that takes no writes (it is full) still answers.
    this.#store.save(at, values).catch(() => undefined);
  }
}

function gaugesOf(span: keyof typeof SPANS): GaugeHistory {
  const { stepMs, spanMs } = SPANS[span];
  return new GaugeHistory({ stepMs, steps: spanMs / stepMs });
}

/** Lanes of the runs at work, as their coordinators told. */
function toldLanes(runs: readonly KnownRun[]): Map<string, LaneSnapshot> {
  const lanes = runs.flatMap(({ coordinated, published }) =>
    coordinated ? (published?.snapshot?.lanes ?? []) : [],
  );
  return new Map(lanes.map((lane) => [lane.name, lane]));
}
