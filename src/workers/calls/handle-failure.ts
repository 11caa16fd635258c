import {
  decideAfterFailure,
  type FailureDecision,
  isFault,
  RETRY_DEFAULTS,
  type RetryPolicy,
} from "#src/core/failures/decide-after-failure.ts";
import { coerceError, ProviderError } from "#src/core/failures/errors.ts";
import { OUTAGE_STREAK } from "#src/core/lane.ts";
import type { Limiter } from "#src/limiter/limiter.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import type { CallSize, RunCounters } from "#src/state/runs/run-ledger.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import { groupByRun, type PendingInput } from "#src/workers/dispatch/pending-input.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import { type CommitDeps, commitFailure, splitCallSize } from "./commit-records.ts";

export interface FailureDeps extends CommitDeps {
  readonly limiter: Limiter;
  readonly policy?: RetryPolicy;
}

/**
 * Handles a failed call: settles its reservation, charges attempts, throttles or parks the lane, and commits definite
 * errors. Returns what to do with the inputs. Never rejects.
 */
export async function handleFailure(
  error: ProviderError,
  inputs: readonly PendingInput[],
  { lane, reservation }: Grant<unknown>,
  size: CallSize,
  deps: FailureDeps,
): Promise<FailureDecision> {
  const { limiter, log, policy = RETRY_DEFAULTS } = deps;
  const isThrottled = error.kind === "throttled" || error.kind === "overloaded";
  log.debug("call failed", { lane: lane.lane, kind: error.kind, code: error.code, status: error.status });
  for (const [i, runInputs] of groupByRun(inputs).entries()) {
    addCounters(
      runInputs[0]?.ledger,
      buildFailureCounters(size, runInputs.length, { isFirst: i === 0, isThrottled }),
      log,
    );
  }

  const faultStreak = await settleFailure(error, inputs, { lane, reservation }, deps);
  for (const input of inputs) input.snoozes = isThrottled ? input.snoozes + 1 : 0;
  if (!isThrottled && error.kind !== "aborted" && error.kind !== "auth" && error.kind !== "quota") {
    await chargeAttempts(inputs, faultStreak >= OUTAGE_STREAK, log);
  }
  const decision = decideAfterFailure(
    {
      error,
      attempts: Math.max(...inputs.map((input) => input.chargedAttempts)),
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
        retryAfterMs: error.retryAfterMs,
      })
      .catch(() => undefined);
  }
  if (decision.action === "park") {
    log.error("lane parked", { lane: lane.lane, reason: decision.reason });
    await limiter.park(lane.lane, decision.reason).catch(() => undefined);
  }
  if (decision.action === "fail") {
    const { kind, message, code } = error;
    await commitFailure(inputs, { kind, message, code }, deps);
  }
  return decision;
}

/** A run's share of a failed call; throttle answers count for the first run only, as the call does. */
function buildFailureCounters(
  size: CallSize,
  own: number,
  { isFirst, isThrottled }: { readonly isFirst: boolean; readonly isThrottled: boolean },
): RunCounters {
  const { inputs, capacity } = splitCallSize(size, own, isFirst);
  return {
    callsFailed: isFirst ? 1 : undefined,
    throttles: isFirst && isThrottled ? 1 : undefined,
    snoozes: isThrottled ? own : undefined,
    inputs,
    capacity,
  };
}

/** Returns how many faults in a row the lane has had. */
async function settleFailure(
  error: ProviderError,
  inputs: readonly PendingInput[],
  { lane, reservation }: Grant<unknown>,
  { limiter }: FailureDeps,
): Promise<number> {
  const isFirst = inputs.every((input) => input.attempts === 0);
  const outcome = isFault(error) ? (error.kind === "network" || isFirst ? "fault" : "suspect") : "failed";
  return await limiter.settle(lane.lane, [{ id: reservation.id, outcome }]).then(
    ({ faultStreak }) => faultStreak,
    () => 0,
  );
}

async function chargeAttempts(inputs: readonly PendingInput[], isLaneOut: boolean, log: WorkerLog): Promise<void> {
  for (const input of inputs) {
    input.attempts += 1;
    if (!isLaneOut) input.chargedAttempts += 1;
  }
  for (const runInputs of groupByRun(inputs)) {
    await runInputs[0]?.ledger
      .addAttempts(runInputs.map((input) => input.index))
      .catch((error) => log.warn("could not record attempts", { error: coerceError(error).message }));
  }
}

function addCounters(ledger: Ledger | undefined, counters: RunCounters, log: WorkerLog): void {
  ledger?.count(counters).catch((error) => log.warn("could not count a call", { error: coerceError(error).message }));
}

/** Adapters throw only `ProviderError`. Anything else is a bug, which must cost an attempt rather than the worker. */
export function toProviderError(thrown: unknown, provider: string): ProviderError {
  if (thrown instanceof ProviderError) return thrown;
  const error = coerceError(thrown);
  return new ProviderError(`unexpected ${error.name} in the ${provider} adapter`, {
    kind: "bad-response",
    provider,
    cause: error,
  });
}
