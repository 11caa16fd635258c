import { performance } from "node:perf_hooks";
import { coerceError } from "#src/core/failures/errors.ts";
import { HISTORY_SPANS } from "#src/dashboard/overview/build-history.ts";
import { describeProviders } from "#src/dashboard/overview/describe-providers.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { ProviderView, QueueView, RedisView } from "#src/dashboard/overview/overview-api.ts";
import type { RunCache, RunInfo } from "#src/dashboard/runs/run-cache.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";
import { type ListedWorker, listWorkers } from "#src/state/workers/worker-list.ts";
import { GaugeStore } from "./gauge-store.ts";
import { GaugeHistory } from "./gauges.ts";
import type { QueueRegistry } from "./queue-registry.ts";
import { type LaneStatusDeps, readLaneStatuses } from "./read-lane-statuses.ts";
import { readRedisInfo } from "./read-redis-info.ts";
import type { RedisCircuitBreaker } from "./redis-circuit-breaker.ts";

/** The state of the whole system at one moment; all pages show parts of it. */
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
  /** Called with every snapshot. */
  readonly onSnapshot?: (snapshot: SystemSnapshot) => void;
  readonly onError: (error: Error, where: string) => void;
}

const INTERVAL_MS = 1_000;
/** A snapshot of this age is still served, so that requests between two ticks do not take their own. */
const MAX_AGE_MS = 1_500;
/** Without listeners: slightly shorter than a step of the last hour's chart, so that no step is missed. */
const IDLE_INTERVAL_MS = HISTORY_SPANS.hour.stepMs * 0.9;
const INFO_INTERVAL_MS = 5_000;

/**
 * Takes a snapshot of Redis for all pages together: once a second while there are listeners, every few seconds
 * otherwise. The commands of a snapshot are pipelined, and their number does not grow with items or ended runs.
 */
export class SnapshotSampler {
  readonly telemetry: TelemetryHistory;
  readonly gauges = { hour: createGaugeHistory("hour"), day: createGaugeHistory("day") } as const;
  readonly #deps: SnapshotSamplerDeps;
  readonly #store: GaugeStore;
  #isRestored = false;
  readonly #listeners = new Set<() => void>();
  /** Run -> number of watchers. */
  readonly #watchedRuns = new Map<string, number>();
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

  /** Calls `listener` after every snapshot, successful or not, until the returned function is called. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#schedule();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Includes a run in every snapshot until the returned function is called. */
  watchRun(run: string): () => void {
    this.#watchedRuns.set(run, (this.#watchedRuns.get(run) ?? 0) + 1);
    return () => {
      const left = (this.#watchedRuns.get(run) ?? 1) - 1;
      if (left > 0) this.#watchedRuns.set(run, left);
      else this.#watchedRuns.delete(run);
    };
  }

  /** The latest snapshot, or a new one if that is too old; shared by concurrent callers. Throws while Redis is unavailable. */
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
    const interval = this.#listeners.size > 0 ? INTERVAL_MS : IDLE_INTERVAL_MS;
    // Relative to the last snapshot, on the monotonic clock: a new listener does not start another rhythm.
    const delay = Math.max(0, Math.min(interval, this.#sampledAt + interval - performance.now()));
    this.#timer = setTimeout(() => void this.#tick(), delay);
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
    const startedAt = performance.now();
    // First read what determines the lanes, so that a new lane shows up in this snapshot.
    await Promise.all([queues.discover(), this.telemetry.refresh(), runs.refreshListed(this.#watchedRuns.keys())]);
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
      redis: { ...redis, roundTripMs: performance.now() - startedAt },
      runs: listed,
    };
    await this.#recordGauges(snapshot);
    return snapshot;
  }

  /** Lanes with recent calls, of active runs and of watched runs. */
  async #readLaneStatuses(runs: readonly RunInfo[], deps: LaneStatusDeps): Promise<LaneView[]> {
    const reported = collectReportedLanes(runs);
    const shownRuns = runs.filter(({ run, hasCoordinator }) => hasCoordinator || this.#watchedRuns.has(run));
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
      // Jobs of a paused run or a parked lane are delayed, but still count.
      for (const name of ["queue-depth", `queue-depth:${provider}`]) {
        values.set(name, (values.get(name) ?? 0) + waiting + delayed);
      }
    }
    values.set("workers", workers.filter(({ state }) => state === "alive").length);
    if (redis.usedBytes !== undefined) values.set("redis-memory", redis.usedBytes);
    if (!this.#isRestored) await this.#store.load(at, this.gauges);
    this.#isRestored = true;
    for (const gauges of Object.values(this.gauges)) gauges.record(at, values);
    // A failed write must not fail the snapshot: a full Redis rejects writes but still answers reads.
    this.#store.save(at, values).catch(() => undefined);
  }
}

function createGaugeHistory(span: keyof typeof HISTORY_SPANS): GaugeHistory {
  const { stepMs, spanMs } = HISTORY_SPANS[span];
  return new GaugeHistory({ stepMs, steps: spanMs / stepMs });
}

/** The lanes of active runs, as reported by their coordinators. */
function collectReportedLanes(runs: readonly RunInfo[]): Map<string, LaneSnapshot> {
  const lanes = runs.flatMap(({ hasCoordinator, published }) =>
    hasCoordinator ? (published?.snapshot?.lanes ?? []) : [],
  );
  return new Map(lanes.map((lane) => [lane.name, lane]));
}
