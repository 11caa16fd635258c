import {
  decideAfterFailure,
  type FailureDecision,
  isFault,
  RETRY_DEFAULTS,
  type RetryPolicy,
} from "#src/core/failures/decide-after-failure.ts";
import { coerceError, ProviderError } from "#src/core/failures/errors.ts";
import { appendProviderText } from "#src/core/failures/provider-text.ts";
import { readRefusedLimit } from "#src/core/failures/refused-limit.ts";
import { OUTAGE_STREAK } from "#src/core/lane.ts";
import type { Limiter, Settlement, SettleReply } from "#src/limiter/limiter.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import type { CallSize, RunCounters } from "#src/state/runs/run-ledger.ts";
import type { Grant } from "#src/workers/dispatch/lane-chooser.ts";
import { groupByRun, type PendingInput } from "#src/workers/dispatch/pending-input.ts";
import { HangingCallError } from "#src/workers/hanging/hanging-call-error.ts";
import type { HangingCalls } from "#src/workers/hanging/hanging-calls.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import { type CommitDeps, commitFailure, splitCallSize } from "./commit-records.ts";
import type { LaneProber, ProbeCall } from "./lane-prober.ts";
import type { LimitReports } from "./limit-reports.ts";
import { needsProbe, probeAfterAuthError } from "./probe-after-auth-error.ts";

export interface FailureDeps extends CommitDeps {
  readonly limiter: Limiter;
  readonly policy?: RetryPolicy;
  readonly prober: LaneProber;
  readonly limitReports: LimitReports;
  readonly hangingCalls: HangingCalls;
}

/** How long a call waits that was refused while the provider accepts others. */
const REFUSED_DELAY_MS = 250;

/** What `handleFailure` has to know about the kind of call. */
export interface FailedCallContext {
  readonly size: CallSize;
  readonly probe: ProbeCall;
}

/**
 * Handles a failed call: settles its reservation, charges attempts, throttles or parks the lane, and commits final
 * errors. Returns what to do with the inputs. Never rejects.
 *
 * A 401 or 403 of a lane that has succeeded or was parked before parks it only if a small call with another input is refused
 * too; otherwise the input is the cause.
 */
export async function handleFailure(
  reported: ProviderError,
  inputs: readonly PendingInput[],
  grant: Grant<unknown>,
  { size, probe }: FailedCallContext,
  deps: FailureDeps,
): Promise<FailureDecision> {
  const { lane, reservation } = grant;
  const { limiter, log, policy = RETRY_DEFAULTS } = deps;
  const { faultStreak, hasHistory } = await settleFailure(reported, inputs, grant, deps);
  const { error, isUndecided } =
    hasHistory && needsProbe(reported, inputs)
      ? await probeAfterAuthError(reported, grant, probe, deps)
      : { error: reported, isUndecided: false };
  const isThrottled = error.kind === "throttled" || error.kind === "overloaded";
  log.debug("call failed", { lane: lane.lane, kind: error.kind, code: error.code, status: error.status });
  for (const [i, runInputs] of groupByRun(inputs).entries()) {
    addCounters(
      runInputs[0]?.ledger,
      buildFailureCounters(size, runInputs.length, {
        isFirst: i === 0,
        isThrottled,
        isCut: reported.kind === "aborted",
        hasHung: reported instanceof HangingCallError,
      }),
      log,
    );
  }

  for (const input of inputs) input.undecided = (input.undecided ?? 0) + (isUndecided ? 1 : 0);
  for (const input of inputs) input.snoozes = isThrottled ? input.snoozes + 1 : 0;
  const isFree =
    isThrottled || isUndecided || error.kind === "aborted" || error.kind === "auth" || error.kind === "quota";
  if (!isFree) {
    // A refusal of several inputs is caused by few of them.
    const isRefusalOfMany = inputs.length > 1 && !isFault(error);
    const isLaneOut = faultStreak >= OUTAGE_STREAK || (error instanceof HangingCallError && !error.isLaneAnswering);
    await countAttempts(inputs, !isRefusalOfMany && !isLaneOut, log);
  }
  const decision = decideAfterFailure(
    {
      error,
      attempts: Math.max(...inputs.map((input) => input.chargedAttempts)),
      inputs: inputs.length,
      snoozes: Math.max(...inputs.map((input) => input.snoozes)),
      isUndecided,
      faultStreak,
    },
    policy,
  );
  // Before the limits are reported, because a new lane may make many calls at once from then on.
  if (decision.action === "park") {
    log.error("lane parked", { lane: lane.lane, reason: decision.reason });
    await limiter.park(lane.lane, appendProviderText(decision.reason, error)).catch(() => undefined);
  }
  if (reported.limits.length > 0) await deps.limitReports.add(lane.lane, reported.limits, deps.clock.monotonic());
  if (decision.action === "snooze") {
    const { retryAfterMs } = error;
    const reason = appendProviderText(`${error.kind}: ${error.message}`, error);
    const { grantedAt } = reservation;
    const throttle = { ...readRefusedLimit(error), grantedAt, retryAfterMs, reason };
    const reply = await limiter.throttle(lane.lane, lane.limits, throttle).catch(() => undefined);
    if (reply?.waitMs === 0) return { action: "snooze", delayMs: retryAfterMs ?? REFUSED_DELAY_MS };
  }
  if (decision.action === "fail") {
    const { kind, message, code, providerMessage, param } = error;
    await commitFailure(inputs, { kind, message, code, providerMessage, param }, deps);
  }
  return decision;
}

/**
 * A run's share of a failed call; throttle answers count for the first run only, as the call does. A call that was cut
 * because the worker stops or because it hung is possibly paid, and is made again.
 */
function buildFailureCounters(
  size: CallSize,
  own: number,
  { isFirst, isThrottled, isCut, hasHung }: Readonly<Record<"isFirst" | "isThrottled" | "isCut" | "hasHung", boolean>>,
): RunCounters {
  const { inputs, capacity } = splitCallSize(size, own, isFirst);
  return {
    callsFailed: isFirst && !isCut && !hasHung ? 1 : undefined,
    callsRefused: isFirst && (isCut || hasHung) ? 1 : undefined,
    callsHung: isFirst && hasHung ? 1 : undefined,
    throttles: isFirst && isThrottled ? 1 : undefined,
    snoozes: isThrottled ? own : undefined,
    inputs,
    capacity,
  };
}

async function settleFailure(
  error: ProviderError,
  inputs: readonly PendingInput[],
  { lane, reservation }: Grant<unknown>,
  { limiter }: FailureDeps,
): Promise<SettleReply> {
  const outcome = findOutcome(error, inputs);
  return await limiter
    .settle(lane.lane, [{ id: reservation.id, outcome }])
    .catch(() => ({ faultStreak: 0, hasHistory: false }));
}

function findOutcome(error: ProviderError, inputs: readonly PendingInput[]): Settlement["outcome"] {
  if (error.kind === "auth" || error.kind === "quota") return "denied";
  // Either other calls are answered, or all of them are slow: a hanging call is no sign of an outage.
  if (!isFault(error) || error instanceof HangingCallError) return "failed";
  const isFirst = inputs.every((input) => input.attempts === 0);
  return error.kind === "network" || isFirst ? "fault" : "suspect";
}

async function countAttempts(inputs: readonly PendingInput[], isCharged: boolean, log: WorkerLog): Promise<void> {
  for (const input of inputs) {
    input.attempts += 1;
    if (isCharged) input.chargedAttempts += 1;
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
