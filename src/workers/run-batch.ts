import type { Clock } from "../core/clock.ts";
import {
  decideRetry,
  isFault,
  RETRY_DEFAULTS,
  type RetryDecision,
  type RetryPolicy,
} from "../core/decide-retry.ts";
import { coerceError, ProviderError } from "../core/errors.ts";
import type { Limiter } from "../limiter/limiter.ts";
import type { EmbeddingPurpose, EmbeddingResponse } from "../providers/provider.ts";
import type { Ledger } from "../queue/ledger.ts";
import type { WireRecord } from "../queue/record-codec.ts";
import type { CallSize } from "../queue/run-ledger.ts";
import { byRun, type EmbeddingInput, shareTokens } from "./embedding-input.ts";
import type { Grant } from "./embedding-lanes.ts";
import type { WorkerLog } from "./worker-log.ts";

export interface BatchDeps {
  readonly limiter: Limiter;
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly policy?: RetryPolicy;
  /** Aborts calls in flight: the grace period is over. */
  readonly signal: AbortSignal;
}

export interface BatchRequest {
  readonly purpose: EmbeddingPurpose;
  readonly dimensions?: number;
}

/**
 * One upstream call, from its reservation to the records of its inputs: call, check, commit, settle. Resolves with
 * undefined when every input has its record, else with what to do with the inputs. Never throws.
 */
export async function runBatch(
  inputs: readonly EmbeddingInput[],
  { lane, reservation }: Grant,
  request: BatchRequest,
  deps: BatchDeps,
): Promise<RetryDecision | undefined> {
  const { limiter, log } = deps;
  const ledger = inputs[0]?.ledger;
  ledger
    ?.countCall()
    .catch((error) => log.warn("could not count a call", { error: coerceError(error).message }));
  let response: EmbeddingResponse;
  try {
    response = await lane.model.embed(
      { inputs: inputs.map((input) => input.text), ...request },
      { signal: deps.signal },
    );
  } catch (thrown) {
    return await onFailure(toProviderError(thrown, lane.lane.provider), inputs, { lane, reservation }, deps);
  }
  const { totalTokens } = response.usage;
  await Promise.all([
    commitVectors(inputs, response, lane.model.maxInputs, deps),
    limiter
      .settle(lane.lane, [
        { id: reservation.id, outcome: "ok", ...(totalTokens === undefined ? {} : { tokens: totalTokens }) },
      ])
      .catch((error) =>
        log.warn("could not settle a reservation; it lapses by itself", {
          error: coerceError(error).message,
        }),
      ),
  ]);
  return undefined;
}

async function commitVectors(
  inputs: readonly EmbeddingInput[],
  { vectors, dimensions, usage }: EmbeddingResponse,
  capacity: number,
  deps: BatchDeps,
): Promise<void> {
  const bytes = Buffer.from(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const tokens = shareTokens(inputs, usage.totalTokens);
  const records = new Map<EmbeddingInput, WireRecord>(
    inputs.map((input, i) => [
      input,
      {
        index: input.index,
        attempts: input.attempts + 1,
        tokens: tokens[i] ?? input.tokens,
        vector: bytes.subarray(i * dimensions * 4, (i + 1) * dimensions * 4),
      },
    ]),
  );
  await Promise.all(
    byRun(inputs).map((ofRun, i) =>
      commitUntilDone(
        ofRun,
        ofRun.flatMap((input) => records.get(input) ?? []),
        dimensions,
        // A call that carried items of several runs is counted with the first.
        i === 0 ? { inputs: inputs.length, capacity } : undefined,
        deps,
      ),
    ),
  );
}

/** Commits the failure of inputs as their record. */
export async function commitFailure(
  inputs: readonly EmbeddingInput[],
  failure: NonNullable<WireRecord["failure"]>,
  deps: Pick<BatchDeps, "clock" | "log" | "signal">,
): Promise<void> {
  for (const ofRun of byRun(inputs)) {
    const records = ofRun.map((input) => ({
      index: input.index,
      attempts: input.attempts,
      tokens: 0,
      failure,
    }));
    await commitUntilDone(ofRun, records, 0, undefined, deps);
  }
}

/**
 * An answer is paid for, so its commit is tried for as long as the worker lives: Redis may be restarting or full.
 * Giving up (only at the end of the grace period) costs a second call later, never a record.
 */
async function commitUntilDone(
  inputs: readonly EmbeddingInput[],
  records: readonly WireRecord[],
  dimensions: number,
  answered: CallSize | undefined,
  { clock, log, signal }: Pick<BatchDeps, "clock" | "log" | "signal">,
): Promise<void> {
  const ledger = inputs[0]?.ledger;
  if (!ledger) return;
  for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(5_000, pauseMs * 2)) {
    try {
      await ledger.commit(records, dimensions, answered ? { answered } : {});
      for (const input of inputs) input.ticket.recorded();
      return;
    } catch (error) {
      log.warn("could not commit records; trying again", { error: coerceError(error).message });
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }
}

async function onFailure(
  error: ProviderError,
  inputs: readonly EmbeddingInput[],
  { lane, reservation }: Grant,
  deps: BatchDeps,
): Promise<RetryDecision> {
  const { limiter, log, policy = RETRY_DEFAULTS } = deps;
  const ledger = inputs[0]?.ledger;
  const throttled = error.kind === "throttled" || error.kind === "overloaded";
  log.debug("call failed", { lane: lane.lane, kind: error.kind, code: error.code, status: error.status });
  const size = { inputs: inputs.length, capacity: lane.model.maxInputs };
  countOn(
    ledger,
    { callsFailed: 1, ...size, ...(throttled ? { throttles: 1, snoozes: inputs.length } : {}) },
    log,
  );

  const { faultStreak } = await settleFailure(error, inputs, { lane, reservation }, deps);
  for (const input of inputs) {
    if (throttled) input.snoozes += 1;
    else input.snoozes = 0;
  }
  if (!throttled && error.kind !== "aborted" && error.kind !== "auth" && error.kind !== "quota") {
    await chargeAttempts(inputs, faultStreak >= policy.outageStreak, log);
  }
  const decision = decideRetry(
    {
      error,
      attempts: Math.max(...inputs.map((input) => input.charged)),
      inputs: inputs.length,
      snoozes: Math.max(...inputs.map((input) => input.snoozes)),
      faultStreak,
    },
    policy,
  );
  if (decision.action === "snooze") {
    await limiter
      .throttle(lane.lane, lane.limits, {
        dimension: error.dimension ?? "requests",
        grantedAt: reservation.grantedAt,
        ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      })
      .catch(() => undefined);
  }
  if (decision.action === "park") {
    log.error("lane parked", { lane: lane.lane, reason: decision.reason });
    await limiter.park(lane.lane, decision.reason).catch(() => undefined);
  }
  if (decision.action === "fail") {
    const { kind, message, code } = error;
    await commitFailure(inputs, { kind, message, ...(code === undefined ? {} : { code }) }, deps);
  }
  return decision;
}

async function settleFailure(
  error: ProviderError,
  inputs: readonly EmbeddingInput[],
  { lane, reservation }: Grant,
  { limiter }: BatchDeps,
): Promise<{ faultStreak: number }> {
  const first = inputs.every((input) => input.attempts === 0);
  const outcome = isFault(error) ? (error.kind === "network" || first ? "fault" : "suspect") : "failed";
  return await limiter.settle(lane.lane, [{ id: reservation.id, outcome }]).catch(() => ({ faultStreak: 0 }));
}

async function chargeAttempts(
  inputs: readonly EmbeddingInput[],
  laneIsOut: boolean,
  log: WorkerLog,
): Promise<void> {
  for (const input of inputs) {
    input.attempts += 1;
    if (!laneIsOut) input.charged += 1;
  }
  for (const ofRun of byRun(inputs)) {
    await ofRun[0]?.ledger
      .addAttempts(ofRun.map((input) => input.index))
      .catch((error) => log.warn("could not note attempts", { error: coerceError(error).message }));
  }
}

function countOn(ledger: Ledger | undefined, counters: Parameters<Ledger["count"]>[0], log: WorkerLog): void {
  ledger
    ?.count(counters)
    .catch((error) => log.warn("could not count a call", { error: coerceError(error).message }));
}

/** Adapters throw `ProviderError` only; anything else is a bug of ours, and costs an attempt rather than a worker. */
function toProviderError(thrown: unknown, provider: string): ProviderError {
  if (thrown instanceof ProviderError) return thrown;
  const error = coerceError(thrown);
  return new ProviderError(`unexpected ${error.name} in the ${provider} adapter`, {
    kind: "bad-response",
    provider,
    cause: error,
  });
}
