import type { Clock } from "#src/core/clock.ts";
import { formatLane, type Lane, type LaneLimits } from "#src/core/lane.ts";
import { computeCost, type TokenPrice } from "#src/core/money.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { LaneStatus, Limiter } from "#src/limiter/limiter.ts";
import { computeCacheStats, countRequestedItems } from "#src/producer/cache/reused-stats.ts";
import { createParkedError } from "#src/producer/runs/run-error.ts";
import { type RunManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { QUEUE_SETTINGS } from "#src/queues/names.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import type { RunCounter, RunCounters, RunLedger } from "#src/state/runs/run-ledger.ts";
import { countWorkers } from "#src/state/workers/worker-list.ts";
import { FailureStats } from "./failure-stats.ts";
import { OutageDetector } from "./outage-detector.ts";
import { type PublishedRun, publishRun } from "./published-run.ts";
import { RateTracker } from "./rate-tracker.ts";
import type { LaneSnapshot, RunPhase, RunSnapshot } from "./run-snapshot.ts";

export interface RunMonitorDeps {
  readonly limiter: Limiter;
  readonly lanes: readonly { readonly lane: Lane; readonly limits: LaneLimits; readonly address?: string }[];
  readonly price?: TokenPrice;
  readonly clock: Clock;
  readonly keys: Keys;
  readonly client: RedisClient;
  readonly ledger: RunLedger;
  /** What a call may carry. */
  readonly inputsPerCall: number;
  readonly onSnapshot: (snapshot: RunSnapshot) => void;
}

/** `dimensions` where the records are vectors; 0 while no vector told. */
type MonitoredStore = Pick<RunStore<WireRecord>, "items" | "counts" | "duplicates"> & {
  readonly dimensions?: number;
};

const CHECKPOINT_INTERVAL_MS = 2_000;
const PUBLISH_INTERVAL_MS = 1_000;
/** Longer than jobs of parked lanes stay away from their queue, and than a dead worker's jobs take to come back. */
const STUCK_MS = 2 * (QUEUE_SETTINGS.lockDurationMs + QUEUE_SETTINGS.stalledIntervalMs);

/** Adds up how a run is doing: for the screen, for `run.json`, and for the decision to stop when nothing can go on. */
export class RunMonitor {
  #manifest: RunManifest;
  readonly #deps: RunMonitorDeps;
  readonly #startedAt: number;
  readonly #rates = new RateTracker();
  readonly failures: FailureStats;
  readonly #outage: OutageDetector;
  #counters: Partial<Record<RunCounter, number>>;
  #lanes: readonly LaneSnapshot[] = [];
  #workers = 0;
  #checkpointAt = 0;
  #publishedAt = 0;
  #latest: RunSnapshot | undefined;
  #activeSince: number;
  #idle = { progress: -1, since: 0 };

  constructor(manifest: RunManifest, deps: RunMonitorDeps) {
    this.#manifest = manifest;
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
    this.#activeSince = this.#startedAt;
    this.#outage = new OutageDetector({ ...deps, run: manifest.run });
    this.failures = new FailureStats(deps.client, deps.keys, manifest.run, manifest.failuresByKind);
    this.#counters = manifest.counters as RunCounters;
  }

  counters(): RunCounters {
    return this.#counters;
  }

  /** Calls made that neither an answer nor an error accounts for. Those of a process that died stay among them. */
  countCallsInFlight(): number {
    const { callsMade = 0, callsAnswered = 0, callsFailed = 0, callsRefused = 0 } = this.#counters;
    return callsMade - callsAnswered - callsFailed - callsRefused;
  }

  /** What the records of the run have cost so far; 0 where no price is known. */
  spent(store: MonitoredStore): number {
    return this.#cost(store.counts().tokens, 0, 0).cost?.spent ?? 0;
  }

  /** Tells screens in other processes how the run ended, or why it stopped. */
  async publishOutcome(end: NonNullable<PublishedRun["end"]>): Promise<void> {
    const { client, keys, clock } = this.#deps;
    await Promise.all([
      publishRun(client, keys, this.#manifest.run, {
        at: clock.now(),
        snapshot: this.#latest,
        end,
      }),
      this.failures.publish(clock.now(), { all: true }),
    ]);
  }

  /** Looks at counters and lanes, tells the screen, writes a checkpoint now and then; throws when all is parked. */
  async tick(dir: string, store: MonitoredStore, inFlight: number, isPaused = false): Promise<void> {
    const statuses = await this.#refreshStatus();
    const parked = statuses.filter((status) => status.state === "parked");
    const phase = isPaused ? "paused" : derivePhase(statuses);
    await this.snapshot(phase, store, inFlight);
    if (this.#deps.clock.now() - this.#checkpointAt >= CHECKPOINT_INTERVAL_MS) {
      await this.checkpoint(dir, "running", store);
    }
    if (parked.length === 0) return;
    const { ok, failed } = store.counts();
    if (parked.length === statuses.length || this.#isStuck(statuses, ok + failed, isPaused)) {
      const reasons = parked.flatMap((status) => status.reason ?? []);
      throw createParkedError(reasons, this.#outage.current);
    }
  }

  async snapshot(phase: RunPhase, store: MonitoredStore, inFlight: number): Promise<void> {
    const counts = store.counts();
    const { ok, failed, missing, tokens } = counts;
    const now = this.#deps.clock.now();
    const reused = computeCacheStats(counts, this.#deps);
    const requested = countRequestedItems(counts, store.duplicates);
    const calls = this.#counters.callsAnswered ?? 0;
    this.#rates.add({ at: now, items: ok + failed, calls, tokens });
    const snapshot: RunSnapshot = {
      runId: this.#manifest.run,
      model: this.#manifest.model,
      phase,
      items: { total: store.items, succeeded: ok, failed, inFlight },
      ...this.#rates.rates(missing),
      calls: {
        made: this.#counters.callsMade ?? 0,
        succeeded: calls,
        // While calls are in flight nobody can tell which of them are lost; certain ones only.
        paidTwice: this.#counters.callsRefused ?? 0,
        throttled: this.#counters.throttles ?? 0,
      },
      snoozes: this.#counters.snoozes ?? 0,
      ...computeBatchFill(this.#counters),
      tokens,
      ...(reused && requested.done > 0 ? { expectedTokens: (tokens / requested.done) * requested.total } : {}),
      lanes: this.#lanes,
      failuresByKind: this.failures.countsByKind(),
      ...(this.#outage.current && { trouble: this.#outage.current }),
      ...(reused && { reused }),
      ...this.#cost(tokens, requested.done, requested.total),
      startedAt: this.#startedAt,
      workers: this.#workers,
    };
    this.#latest = snapshot;
    this.#deps.onSnapshot(snapshot);
    if (now - this.#publishedAt < PUBLISH_INTERVAL_MS) return;
    this.#publishedAt = now;
    // Not waited for: a screen elsewhere is no reason for the run to stand still.
    publishRun(this.#deps.client, this.#deps.keys, this.#manifest.run, { at: now, snapshot }).catch(() => undefined);
    this.failures.publish(now).catch(() => undefined);
  }

  /**
   * Whether only what is parked is left to do: of a run with several models, the others have nothing under way, are
   * not waiting for their provider, and nothing has come for a while.
   */
  #isStuck(statuses: readonly LaneStatus[], records: number, isPaused: boolean): boolean {
    const now = this.#deps.clock.now();
    const open = statuses.filter((status) => status.state !== "parked");
    const isBusy = isPaused || open.some(({ state, concurrency }) => state !== "open" || concurrency.used > 0);
    const progress = records + (this.#counters.callsMade ?? 0);
    const isWaiting = isBusy || !this.#hasParkedModel(statuses);
    if (isWaiting || progress !== this.#idle.progress) this.#idle = { progress, since: now };
    return now - this.#idle.since >= STUCK_MS;
  }

  /** Whether all lanes of some model are parked. */
  #hasParkedModel(statuses: readonly LaneStatus[]): boolean {
    const models = this.#deps.lanes.map(({ lane }) => `${lane.provider}/${lane.model}`);
    const open = new Set(models.filter((_, i) => statuses[i]?.state !== "parked"));
    return models.some((model) => !open.has(model));
  }

  /** Writes `run.json` as of now and returns it. */
  async checkpoint(
    dir: string,
    state: RunManifest["state"],
    store: MonitoredStore,
    files: readonly string[] = [],
  ): Promise<RunManifest> {
    const now = this.#deps.clock.now();
    this.#checkpointAt = now;
    this.#counters = await this.#readCounters();
    const counts = store.counts();
    const { ok, failed, missing, tokens } = counts;
    const reused = computeCacheStats(counts, this.#deps);
    const c = this.#counters;
    const cost = this.#cost(tokens, 0, 0).cost;
    this.#manifest = applyChanges(this.#manifest, files, {
      state,
      dimensions: store.dimensions ? store.dimensions : undefined,
      startedAt: this.#manifest.startedAt ?? new Date(this.#startedAt).toISOString(),
      finishedAt: state === "finished" ? new Date(now).toISOString() : undefined,
      activeMs: this.#manifest.activeMs + now - this.#activeSince,
      items: { total: store.items, succeeded: ok, failed, missing },
      failuresByKind: this.failures.countsByKind(),
      tokens,
      calls: {
        made: c.callsMade ?? 0,
        answered: c.callsAnswered ?? 0,
        failed: c.callsFailed ?? 0,
        throttled: c.throttles ?? 0,
        paidTwice: paidTwice(c, state === "finished" || state === "writing"),
      },
      snoozes: c.snoozes ?? 0,
      ...computeBatchFill(c),
      ...(reused && { reused }),
      ...(cost ? { cost: { amount: cost.spent, currency: cost.currency } } : {}),
      counters: omitUndefined(c),
    });
    this.#activeSince = now;
    await writeManifest(dir, this.#manifest);
    return this.#manifest;
  }

  async #refreshStatus(): Promise<readonly LaneStatus[]> {
    const { limiter, lanes, client, keys, clock } = this.#deps;
    const [counters, workers, ...statuses] = await Promise.all([
      this.#readCounters(),
      countWorkers(client, keys),
      ...lanes.map(({ lane, limits }) => limiter.status(lane, limits)),
    ]);
    this.#counters = counters;
    this.#workers = workers;
    this.#lanes = statuses.map((status, i) => toLaneSnapshot(lanes[i]?.lane, status, clock.now()));
    const { callsAnswered: answered = 0, callsFailed: failed = 0 } = counters;
    await this.#outage.check(clock.now(), { answered, failed });
    return statuses;
  }

  /** What Redis counts, or the last checkpoint where that is more: Redis may have lost some. */
  async #readCounters(): Promise<Partial<Record<RunCounter, number>>> {
    const fresh = await this.#deps.ledger.readCounters();
    const merged: Partial<Record<RunCounter, number>> = { ...fresh };
    for (const [name, value] of Object.entries(this.#counters)) {
      const counter = name as RunCounter;
      merged[counter] = Math.max(merged[counter] ?? 0, value);
    }
    return merged;
  }

  #cost(tokens: number, done: number, total: number): Pick<RunSnapshot, "cost"> {
    const { price } = this.#deps;
    if (!price) return {};
    const output = Math.min(tokens, this.#counters.outputTokens ?? 0);
    const spent = computeCost(price, { input: tokens - output, output });
    if (spent === undefined) return {};
    return {
      cost: { spent, currency: price.currency, expected: done > 0 ? (spent / done) * total : undefined },
    };
  }
}

/**
 * Calls whose answers were of no use: those refused by the ledger, and those that neither an answer nor an error
 * accounts for, because their process died. Only known once no call is in flight.
 */
function paidTwice(c: Partial<Record<RunCounter, number>>, isAtRest: boolean): number {
  const refused = c.callsRefused ?? 0;
  if (!isAtRest) return refused;
  return Math.max(refused, (c.callsMade ?? 0) - (c.callsAnswered ?? 0) - (c.callsFailed ?? 0));
}

/** The manifest with what is known by now; of whatever kind it was, it stays. */
function applyChanges<M extends RunManifest>(manifest: M, files: readonly string[], changes: Partial<RunManifest>): M {
  return { ...manifest, ...changes, output: { ...manifest.output, files: [...files] } };
}

function derivePhase(statuses: readonly LaneStatus[]): RunPhase {
  if (statuses.length === 0) return "running";
  if (statuses.every((status) => status.state === "parked")) return "parked";
  return statuses.every((status) => status.state !== "open") ? "snoozing" : "running";
}

function computeBatchFill(c: Partial<Record<RunCounter, number>>): { batchFill?: number } {
  return c.capacity ? { batchFill: (c.inputs ?? 0) / c.capacity } : {};
}

function toLaneSnapshot(lane: Lane | undefined, status: LaneStatus, now: number): LaneSnapshot {
  const { state, reason, snoozeMs, requests, tokens, concurrency } = status;
  return {
    name: lane ? formatLane(lane) : "",
    state,
    snoozeUntil: snoozeMs === undefined ? undefined : now + snoozeMs,
    reason,
    requests,
    tokens,
    concurrency,
  };
}
