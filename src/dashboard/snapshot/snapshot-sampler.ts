import { performance } from "node:perf_hooks";
import { coerceError } from "#src/core/errors.ts";
import { HISTORY_SPANS } from "#src/dashboard/overview/build-history.ts";
import { describeProviders } from "#src/dashboard/overview/describe-providers.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { ProviderView, QueueView, RedisView } from "#src/dashboard/overview/overview-api.ts";
import type { RunCache, RunInfo } from "#src/dashboard/runs/run-cache.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";
import type { ListedWorker } from "#src/state/workers/worker-list.ts";
import { listWorkers } from "#src/state/workers/worker-list.ts";
import { GaugeStore } from "./gauge-store.ts";
import { GaugeHistory } from "./gauges.ts";
import type { QueueRegistry } from "./queue-registry.ts";
import { type LaneStatusDeps, readLaneStatuses } from "./read-lane-statuses.ts";
import { readRedisInfo } from "./read-redis-info.ts";
import type { RedisCircuitBreaker } from "./redis-circuit-breaker.ts";

/** Everything seen at one moment; all pages show parts of it. */
export interface SystemSnapshot {
  /** Redis's time, epoch ms. */
  readonly at: number;
  readonly lanes: readonly LaneView[];
  readonly providers: readonly ProviderView[];
  readonly queues: readonly (QueueView & { readonly provider: string })[];
  readonly workers: readonly ListedWorker[];
  readonly redis: RedisView;
  /** Newest first. */
  readonly runs: readonly RunInfo[];
}

export interface SnapshotSamplerDeps extends Omit<LaneStatusDeps, "telemetry"> {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
  readonly queues: QueueRegistry;
  readonly runs: RunCache;
  readonly isPrivate: boolean;
  /** Every look, for whoever remembers what was seen. */
  readonly onSnapshot?: (snapshot: SystemSnapshot) => void;
  readonly onError: (error: Error, where: string) => void;
}

const INTERVAL_MS = 1_000;
/** A look may be this old and still be an answer: pages that ask between two ticks must not make a look of their own. */
const MAX_AGE_MS = 1_500;
/** While nobody watches: once a step of the last hour's chart, a little less so that none is left out. */
const IDLE_INTERVAL_MS = HISTORY_SPANS.hour.stepMs * 0.9;
const INFO_INTERVAL_MS = 5_000;

/**
 * Looks at Redis once a second for all pages together while anybody watches, every few seconds otherwise. All that is asked
 * in one look leaves in one write, and its number does not grow with items or with runs that have ended.
 */
export class SnapshotSampler {
  readonly telemetry: TelemetryHistory;
  readonly gauges = { hour: createGaugeHistory("hour"), day: createGaugeHistory("day") } as const;
  readonly #deps: SnapshotSamplerDeps;
  readonly #store: GaugeStore;
  #isRestored = false;
  readonly #listeners = new Set<() => void>();
  readonly #watched = new Map<string, number>();
  #latest: SystemSnapshot | undefined;
  #pending: Promise<SystemSnapshot> | undefined;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #info: { readonly at: number; readonly view: RedisView } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(deps: SnapshotSamplerDeps) {
    this.#deps = deps;
    this.telemetry = new TelemetryHistory(deps.client, deps.keys);
    this.#store = new GaugeStore(deps.client, deps.keys);
    this.#schedule();
  }

  get latest(): SystemSnapshot | undefined {
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
  async readSnapshot(): Promise<SystemSnapshot> {
    if (this.#latest && performance.now() - this.#sampledAt < MAX_AGE_MS) return this.#latest;
    return await this.#takeSnapshot();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const every = this.#listeners.size > 0 ? INTERVAL_MS : IDLE_INTERVAL_MS;
    // Since the last look, on a clock that only goes forward: whoever comes does not start a rhythm of their own.
    const due = Math.max(0, Math.min(every, this.#sampledAt + every - performance.now()));
    this.#timer = setTimeout(() => void this.#tick(), due);
    this.#timer.unref();
  }

  async #tick(): Promise<void> {
    try {
      await this.#takeSnapshot();
    } catch (error) {
      if (!this.#deps.breaker.isOpen) this.#deps.onError(coerceError(error), "sampler");
      this.#sampledAt = performance.now();
    }
    for (const listener of this.#listeners) listener();
    this.#schedule();
  }

  #takeSnapshot(): Promise<SystemSnapshot> {
    this.#pending ??= this.#deps.breaker
      .run(() => this.#read())
      .then((snapshot) => {
        this.#latest = snapshot;
        this.#sampledAt = performance.now();
        this.#deps.onSnapshot?.(snapshot);
        return snapshot;
      })
      .finally(() => {
        this.#pending = undefined;
      });
    return this.#pending;
  }

  async #read(): Promise<SystemSnapshot> {
    const { client, keys, queues, runs, limiter, limitsOf } = this.#deps;
    const begun = performance.now();
    // First what says which lanes there are: a lane that is new shows at once, however long ago the last look was.
    await Promise.all([queues.discover(), this.telemetry.refresh(), runs.refreshListed(this.#watched.keys())]);
    const at = this.telemetry.now;
    const listed = runs.list(at);
    const [lanes, counted, workers, redis] = await Promise.all([
      this.#readLaneStatuses(listed, { limiter, limitsOf, telemetry: this.telemetry }),
      queues.count(),
      listWorkers(client, keys),
      this.#readInfo(),
    ]);
    const snapshot: SystemSnapshot = {
      at,
      lanes,
      providers: describeProviders(this.telemetry, counted),
      queues: counted,
      workers,
      redis: { ...redis, roundTripMs: performance.now() - begun },
      runs: listed,
    };
    await this.#recordGauges(snapshot);
    return snapshot;
  }

  /** Those that had calls lately, those of runs at work, and those of runs that somebody looks at. */
  async #readLaneStatuses(runs: readonly RunInfo[], deps: LaneStatusDeps): Promise<LaneView[]> {
    const reported = collectReportedLanes(runs);
    const shownRuns = runs.filter(({ run, hasCoordinator }) => hasCoordinator || this.#watched.has(run));
    const names = [...this.telemetry.lanes(), ...shownRuns.flatMap(({ lanes }) => lanes), ...reported.keys()];
    return await readLaneStatuses(names, reported, this.telemetry.now, deps);
  }

  async #readInfo(): Promise<RedisView> {
    const now = performance.now();
    if (this.#info && now - this.#info.at < INFO_INTERVAL_MS) return this.#info.view;
    const view = await readRedisInfo(this.#deps.client, this.#deps.isPrivate);
    this.#info = { at: now, view };
    return view;
  }

  async #recordGauges({ at, queues, workers, redis }: SystemSnapshot): Promise<void> {
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
    for (const gauges of Object.values(this.gauges)) gauges.record(at, values);
    // Charts are no reason to fail a look: a Redis that takes no writes (it is full) still answers.
    this.#store.save(at, values).catch(() => undefined);
  }
}

function createGaugeHistory(span: keyof typeof HISTORY_SPANS): GaugeHistory {
  const { stepMs, spanMs } = HISTORY_SPANS[span];
  return new GaugeHistory({ stepMs, steps: spanMs / stepMs });
}

/** Lanes of the runs at work, as their coordinators told. */
function collectReportedLanes(runs: readonly RunInfo[]): Map<string, LaneSnapshot> {
  const lanes = runs.flatMap(({ hasCoordinator, published }) =>
    hasCoordinator ? (published?.snapshot?.lanes ?? []) : [],
  );
  return new Map(lanes.map((lane) => [lane.name, lane]));
}
