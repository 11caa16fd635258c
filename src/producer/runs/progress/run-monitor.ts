import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { LaneStatus } from "#src/limiter/limiter.ts";
import { computeCacheStats, countRequestedItems } from "#src/producer/cache/reused-stats.ts";
import type { PublishedOutput } from "#src/producer/output/publish-output.ts";
import type { RunEnvironment, RunTick } from "#src/producer/runs/run-environment.ts";
import { createParkedError, createWaitError } from "#src/producer/runs/run-error.ts";
import { type RunManifest, writeManifest } from "#src/producer/runs/run-manifest.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { RunCounters, RunLedger } from "#src/state/runs/run-ledger.ts";
import { countWorkers } from "#src/state/workers/worker-list.ts";
import type { ProgressEstimate } from "./estimate-progress.ts";
import { FailureStats } from "./failure-stats.ts";
import { createLaneSnapshot, deriveRunningPhase } from "./lane-snapshot.ts";
import { estimateLimitedMs } from "./limit-waits.ts";
import { OutageDetector } from "./outage-detector.ts";
import { type PublishedRun, publishRun } from "./published-run.ts";
import { RateTracker } from "./rate-tracker.ts";
import { RunCosts } from "./run-costs.ts";
import { computeBatchFill, countCallsPaidTwice, countUnansweredCalls, mergeCounters } from "./run-counters.ts";
import type { LaneSnapshot, RunPhase, RunSnapshot } from "./run-snapshot.ts";
import type { RunActivity } from "./run-watchdog.ts";
import { StuckDetector } from "./stuck-detector.ts";

export interface RunMonitorDeps
  extends Pick<
    RunEnvironment,
    "limiter" | "lanes" | "price" | "prices" | "maxWaitMs" | "clock" | "keys" | "onSnapshot"
  > {
  readonly client: RedisClient;
  readonly ledger: RunLedger;
  /** Maximum number of inputs per upstream call. */
  readonly inputsPerCall: number;
}

type MonitoredStore = Pick<RunStore, "items" | "counts" | "duplicates" | "dimensions" | "database">;

const CHECKPOINT_INTERVAL_MS = 2_000;
const PUBLISH_INTERVAL_MS = 1_000;

interface FinishedOutput extends Partial<PublishedOutput> {
  readonly files: readonly string[];
  readonly refusals: number;
  readonly emptyAnswers: number;
  readonly suggestedChunkTokens?: number;
}

/** Collects the counters of a run and the states of its lanes, and publishes them as snapshots and as `run.json`. */
export class RunMonitor {
  readonly failures: FailureStats;
  readonly #dir: string;
  readonly #deps: RunMonitorDeps;
  readonly #startedAt: number;
  readonly #rates = new RateTracker();
  readonly #outage: OutageDetector;
  readonly #stuck: StuckDetector;
  #manifest: RunManifest;
  #counters: RunCounters;
  /** Calls may have been counted since `#counters` were read, so that they are gone if Redis loses its data. */
  #mayHaveCounted: boolean;
  #isLowerBound: boolean;
  #lanes: readonly LaneSnapshot[] = [];
  #workers = 0;
  #checkpointAt = Number.NEGATIVE_INFINITY;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #latest: RunSnapshot | undefined;
  #heldUntil: number | undefined;
  #activeSince: number;
  readonly #costs: RunCosts;

  constructor({ dir, manifest }: { readonly dir: string; readonly manifest: RunManifest }, deps: RunMonitorDeps) {
    this.#dir = dir;
    this.#manifest = manifest;
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
    this.#activeSince = deps.clock.monotonic();
    this.#outage = new OutageDetector({ ...deps, run: manifest.run });
    this.#stuck = new StuckDetector(deps.lanes);
    this.failures = new FailureStats(deps.client, deps.keys, manifest.run, manifest.failuresByKind);
    this.#counters = manifest.counters;
    this.#mayHaveCounted = manifest.state === "running" || manifest.state === "writing";
    this.#isLowerBound = manifest.calls.isLowerBound === true;
    this.#costs = new RunCosts(deps.prices ?? new Map(), manifest, deps.clock);
  }

  counters(): RunCounters {
    return this.#counters;
  }

  /** The run was opened in Redis. If Redis had lost its counters, those counted since the last look are gone. */
  recordOpening(hasLostCounts: boolean): void {
    if (hasLostCounts && this.#mayHaveCounted) this.#isLowerBound = true;
    this.#mayHaveCounted = true;
  }

  countCallsInFlight(): number {
    return countUnansweredCalls(this.#counters);
  }

  /** What the run has cost so far; 0 if the price is unknown. */
  spent(store: MonitoredStore): number {
    return this.#readSpent(store)?.spent ?? 0;
  }

  /** As of the last tick. */
  describeActivity(store: MonitoredStore, { inFlight, isPaused, heldUntil }: RunTick): RunActivity {
    const { ok, failed } = store.counts();
    const isWaiting = isPaused || heldUntil !== undefined || inFlight === 0 || this.#workers === 0;
    const isLaneBusy = this.#lanes.some(
      ({ state, concurrency, nextCallAt }) => state !== "open" || concurrency.used > 0 || nextCallAt !== undefined,
    );
    return { progress: ok + failed + (this.#counters.callsMade ?? 0), isExplained: isWaiting || isLaneBusy };
  }

  /** Registers the cost of new records. */
  recordCost(records: readonly WireRecord[]): void {
    this.#costs.add(records);
  }

  /** Publishes how the run ended, or why it stopped, to other processes. */
  async publishOutcome(end: NonNullable<PublishedRun["end"]>): Promise<void> {
    const { client, keys, clock } = this.#deps;
    await Promise.all([
      publishRun(client, keys, this.#manifest.run, { at: clock.now(), snapshot: this.#latest, end }),
      this.failures.publish(clock.monotonic(), { all: true }),
    ]);
  }

  /**
   * Reads counters and lanes, publishes a snapshot, and writes a checkpoint every two seconds. Throws a RunStoppedError
   * if only lanes have items left that are parked, or that wait longer than `maxWaitMs`.
   */
  async tick(store: MonitoredStore, { inFlight, isPaused = false, heldUntil }: RunTick): Promise<void> {
    const statuses = await this.#refresh();
    const now = this.#deps.clock.monotonic();
    this.#heldUntil = heldUntil;
    const isHeld = isPaused || heldUntil !== undefined;
    const phase = heldUntil === undefined ? deriveRunningPhase(statuses) : "snoozing";
    await this.snapshot(isPaused ? "paused" : phase, store, inFlight);
    if (now - this.#checkpointAt >= CHECKPOINT_INTERVAL_MS) await this.checkpoint("running", store);
    const { maxWaitMs = Number.POSITIVE_INFINITY } = this.#deps;
    const stopped = statuses.map(
      (status): LaneStatus => ((status.snoozeMs ?? 0) > maxWaitMs ? { ...status, state: "parked" } : status),
    );
    const blocked = this.#lanes.filter((_, i) => stopped[i]?.state === "parked");
    if (blocked.length === 0) return;
    const { ok, failed } = store.counts();
    const progress = ok + failed + (this.#counters.callsMade ?? 0);
    if (blocked.length < statuses.length && !this.#stuck.isStuck(stopped, progress, isHeld, now)) return;
    const [next] = blocked
      .filter(({ state }) => state === "snoozed")
      .sort((a, b) => (a.snoozeUntil ?? 0) - (b.snoozeUntil ?? 0));
    if (next) throw createWaitError(next);
    throw createParkedError(
      blocked.flatMap(({ reason }) => reason ?? []),
      this.#outage.current,
    );
  }

  async snapshot(phase: RunPhase, store: MonitoredStore, inFlight: number): Promise<void> {
    const { client, keys, clock, onSnapshot } = this.#deps;
    const at = clock.now();
    const snapshot = this.#buildSnapshot(phase, store, inFlight, at);
    this.#latest = snapshot;
    onSnapshot(snapshot);
    const now = clock.monotonic();
    if (now - this.#publishedAt < PUBLISH_INTERVAL_MS) return;
    this.#publishedAt = now;
    // Not awaited: the run must not wait for dashboards.
    publishRun(client, keys, this.#manifest.run, { at, snapshot }).catch(() => undefined);
    this.failures.publish(now).catch(() => undefined);
  }

  #buildSnapshot(phase: RunPhase, store: MonitoredStore, inFlight: number, now: number): RunSnapshot {
    const counts = store.counts();
    const { ok, failed, missing } = counts;
    const { callsMade = 0, callsAnswered = 0, throttles = 0, snoozes = 0, discardedTokens = 0 } = this.#counters;
    const tokens = counts.tokens + discardedTokens;
    const reused = computeCacheStats(counts, this.#deps, now);
    const requested = countRequestedItems(counts, store.duplicates);
    const cost = this.#readSpent(store);
    const extrapolate = (value: number) =>
      requested.done > 0 ? (value / requested.done) * requested.total : undefined;
    this.#rates.add({ at: this.#deps.clock.monotonic(), items: ok + failed, calls: callsAnswered, tokens });
    return {
      runId: this.#manifest.run,
      name: this.#manifest.name,
      model: this.#manifest.model,
      phase,
      items: { total: store.items, succeeded: ok, failed, inFlight },
      ...this.#estimateProgress(missing, now),
      calls: {
        made: callsMade,
        succeeded: callsAnswered,
        paidTwice: countCallsPaidTwice(this.#counters, true),
        throttled: throttles,
        isLowerBound: this.#isLowerBound || undefined,
      },
      snoozes,
      batchFill: computeBatchFill(this.#counters),
      tokens,
      expectedTokens: reused && extrapolate(tokens),
      lanes: this.#lanes,
      failuresByKind: this.failures.countsByKind(),
      trouble: this.#outage.current,
      reused,
      cost: cost && { ...cost, expected: extrapolate(cost.spent) },
      costs: this.#costs.perModel,
      startedAt: this.#startedAt,
      heldUntil: this.#heldUntil,
      workers: this.#workers,
    };
  }

  /** Rates, and the remaining time at these rates or within the lanes' limits, whichever is longer. */
  #estimateProgress(missing: number, now: number): ProgressEstimate {
    const estimate = this.#rates.rates(missing);
    const { callsAnswered = 0, tokens: usedTokens = 0 } = this.#counters;
    const inputsPerCall = this.#deps.inputsPerCall * (computeBatchFill(this.#counters) ?? 1);
    const requests = Math.ceil(missing / inputsPerCall);
    const tokens = callsAnswered === 0 ? 0 : (requests * usedTokens) / callsAnswered;
    const limitedMs = missing === 0 ? 0 : estimateLimitedMs(this.#lanes, { requests, tokens }, now);
    const etaMs = limitedMs > (estimate.etaMs ?? 0) ? limitedMs : estimate.etaMs;
    return { ...estimate, etaMs };
  }

  /** Writes `run.json` with the current state and returns it. */
  async checkpoint(
    state: RunManifest["state"],
    store: MonitoredStore,
    output: FinishedOutput = { files: [], refusals: 0, emptyAnswers: 0 },
  ): Promise<RunManifest> {
    const now = this.#deps.clock.monotonic();
    this.#checkpointAt = now;
    const { client, keys } = this.#deps;
    const label = new RunControl(client, keys, this.#manifest.run).readLabel();
    const [counters, { name = this.#manifest.name, note = this.#manifest.note }] = await Promise.all([
      this.#readCounters(),
      label,
    ]);
    this.#counters = counters;
    this.#manifest = {
      ...this.#manifest,
      ...omitUndefined(this.#buildManifestChanges(state, store, now)),
      name: name || undefined,
      note: note || undefined,
      refusals: output.refusals > 0 ? output.refusals : undefined,
      emptyAnswers: output.emptyAnswers > 0 ? output.emptyAnswers : undefined,
      suggestedChunkTokens: output.suggestedChunkTokens,
      parkedLanes: listParkedLanes(this.#lanes),
      output: { ...this.#manifest.output, files: [...output.files] },
      digests: output.digests,
    } as RunManifest;
    this.#activeSince = now;
    await writeManifest(this.#dir, this.#manifest);
    return this.#manifest;
  }

  /** Undefined fields keep their values. */
  #buildManifestChanges(state: RunManifest["state"], store: MonitoredStore, now: number): Partial<RunManifest> {
    const counts = store.counts();
    const { ok, failed, missing } = counts;
    const { callsMade = 0, callsAnswered = 0, callsFailed = 0, throttles = 0, snoozes = 0 } = this.#counters;
    const { discardedTokens = 0 } = this.#counters;
    const cost = this.#readSpent(store);
    const { canaries = 0, canaryMismatches = 0 } = this.#counters;
    // Unanswered calls are no lower bound: the counts of their answers may be lost.
    const hasCallsInFlight = this.#isLowerBound || (state !== "finished" && state !== "writing");
    return {
      state,
      dimensions: store.dimensions || undefined,
      startedAt: this.#manifest.startedAt ?? new Date(this.#startedAt).toISOString(),
      finishedAt: state === "finished" ? new Date(this.#deps.clock.now()).toISOString() : undefined,
      activeMs: this.#manifest.activeMs + now - this.#activeSince,
      items: { total: store.items, succeeded: ok, failed, missing },
      failuresByKind: this.failures.countsByKind(),
      tokens: counts.tokens + discardedTokens,
      calls: {
        made: callsMade,
        answered: callsAnswered,
        failed: callsFailed,
        throttled: throttles,
        paidTwice: countCallsPaidTwice(this.#counters, hasCallsInFlight),
        hung: this.#counters.callsHung || undefined,
        isLowerBound: this.#isLowerBound || undefined,
      },
      canaries: canaries > 0 ? { sent: canaries, mismatches: canaryMismatches } : undefined,
      snoozes,
      batchFill: computeBatchFill(this.#counters),
      reused: computeCacheStats(counts, this.#deps, this.#deps.clock.now()),
      cost: cost && { amount: cost.spent, currency: cost.currency },
      costs: this.#costs.perModel,
      price: this.#deps.price,
      counters: omitUndefined(this.#counters),
    };
  }

  async #refresh(): Promise<readonly LaneStatus[]> {
    const { limiter, lanes, client, keys, clock } = this.#deps;
    const [counters, workers, ...statuses] = await Promise.all([
      this.#readCounters(),
      countWorkers(client, keys),
      ...lanes.map(({ lane, limits }) => limiter.status(lane, limits)),
    ]);
    this.#counters = counters;
    this.#workers = workers;
    this.#lanes = statuses.map((status, i) => createLaneSnapshot(lanes[i], status, clock.now()));
    const { callsAnswered: answered = 0, callsFailed: failed = 0 } = counters;
    await this.#outage.check({ answered, failed });
    return statuses;
  }

  async #readCounters(): Promise<RunCounters> {
    const fresh = await this.#deps.ledger.readCounters();
    // For example, a replica that had not received the latest counts has become the master.
    const hasLost = fresh === undefined || fresh.callsMade < (this.#counters.callsMade ?? 0);
    if (hasLost && this.#mayHaveCounted) this.#isLowerBound = true;
    return fresh === undefined ? this.#counters : mergeCounters(fresh, this.#counters);
  }

  #readSpent(store: MonitoredStore): { readonly spent: number; readonly currency: string } | undefined {
    const { outputTokens = 0, discardedTokens = 0 } = this.#counters;
    this.#costs.restore(store.counts().tokens, outputTokens, store.database, discardedTokens);
    this.#costs.addDiscarded(discardedTokens);
    return this.#costs.total;
  }
}

function listParkedLanes(lanes: readonly LaneSnapshot[]): RunManifest["parkedLanes"] {
  const parked = lanes.filter(({ state }) => state === "parked");
  return parked.length === 0 ? undefined : parked.map(({ name: lane, reason }) => ({ lane, reason }));
}
