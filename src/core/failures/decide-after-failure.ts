import { OUTAGE_STREAK } from "#src/core/lane.ts";
import type { ProviderError } from "./errors.ts";

/**
 * Why a call is made again in parts. `input`: the provider refused one of its inputs. `call`: its size may be the cause, or the
 * provider failed.
 */
export type BisectCause = "input" | "call";

/** What to do about a failed attempt. */
export type FailureDecision =
  /**
   * The lane waits because the provider asked for it; this costs no attempt. With `delayMs`, only these inputs wait, because
   * the provider accepts the other calls.
   */
  | { readonly action: "snooze"; readonly delayMs?: number }
  /** The lane stops for all workers until a user has fixed the account. */
  | { readonly action: "park"; readonly reason: string }
  /**
   * The same inputs are called again after a pause; this costs an attempt, unless the cause of a refusal is unknown. While
   * the lane is out it costs none, and other inputs become the next probe, because these inputs may be the cause of the faults.
   */
  | { readonly action: "retry"; readonly delayMs: number; readonly isLaneOut?: true }
  /** The inputs are called again in parts. */
  | { readonly action: "bisect"; readonly cause: BisectCause }
  /** The error becomes the item's record. */
  | { readonly action: "fail" }
  /** The worker aborted the call itself; the inputs return to the queue. */
  | { readonly action: "return-to-queue" };

export interface FailedCall {
  readonly error: ProviderError;
  /**
   * Attempts charged to these inputs so far, including this one. Attempts while the lane was out and refusals of several inputs
   * are not charged.
   */
  readonly attempts: number;
  /** Inputs of the failed call. */
  readonly inputs: number;
  /** Throttle answers in a row to these inputs, including this one. */
  readonly snoozes: number;
  /** The call was refused, and it is not known yet whether the account or the input is the cause. */
  readonly isUndecided?: boolean;
  /** Faults in a row on the lane; from `OUTAGE_STREAK` on the lane is out, and no single input is the cause. */
  readonly faultStreak: number;
}

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly random: () => number;
}

export const RETRY_DEFAULTS: RetryPolicy = {
  maxAttempts: 5,
  baseDelayMs: 500,
  maxDelayMs: 30_000,
  random: Math.random,
};

const UNDECIDED_DELAY_MS = 3_000;

/**
 * Decides what a failed attempt leads to. Only a call with a wrong canary is decided elsewhere (`rejectCall`). Pure.
 *
 * Server-side faults of a batch are retried once unchanged, then in halves: some upstreams always answer 500 for one
 * text, and the other nine must not fail with it. While the lane is out, nothing is bisected (the inputs are not the
 * cause) and nothing fails: the limiter lets one probe through at a time.
 */
export function decideAfterFailure(failed: FailedCall, policy: RetryPolicy = RETRY_DEFAULTS): FailureDecision {
  const { error, attempts, inputs, faultStreak } = failed;
  if (failed.isUndecided) return retryUndecided(faultStreak, policy);
  switch (error.kind) {
    case "aborted":
      return { action: "return-to-queue" };
    case "throttled":
    case "overloaded":
      return decideSnooze(failed);
    case "quota":
    case "auth":
      return { action: "park", reason: `${error.kind}: ${error.message}` };
    case "invalid-request":
    case "too-long":
    case "content-filter":
      if (inputs === 1) return { action: "fail" };
      return { action: "bisect", cause: error.kind === "too-long" || error.isSplittable ? "call" : "input" };
    case "server":
    case "timeout":
    case "network":
    case "bad-response": {
      if (faultStreak >= OUTAGE_STREAK) return { action: "retry", delayMs: 0, isLaneOut: true };
      if (inputs > 1 && attempts >= 2) return { action: "bisect", cause: "call" };
      if (inputs === 1 && attempts >= policy.maxAttempts) return { action: "fail" };
      return { action: "retry", delayMs: backoffMs(attempts, policy) };
    }
  }
}

/**
 * A call that is refused for its tokens again and again, although the lane is snoozed in between, is larger than the
 * provider's window: smaller calls may succeed, but a single input never will.
 */
function decideSnooze({ error, inputs, snoozes }: FailedCall): FailureDecision {
  if (error.dimension !== "tokens") return { action: "snooze" };
  if (inputs > 1 && snoozes >= 4) return { action: "bisect", cause: "call" };
  if (inputs === 1 && snoozes >= 12) return { action: "fail" };
  return { action: "snooze" };
}

/** Nothing is known about the inputs: they are called again until the cause is known, and cannot fail before. */
function retryUndecided(faultStreak: number, policy: RetryPolicy): FailureDecision {
  if (faultStreak >= OUTAGE_STREAK) return { action: "retry", delayMs: 0, isLaneOut: true };
  return { action: "retry", delayMs: UNDECIDED_DELAY_MS + backoffMs(1, policy) };
}

/** Whether the error indicates a problem of the provider, independent of the input. */
export function isFault(error: ProviderError): boolean {
  return (
    error.kind === "server" || error.kind === "timeout" || error.kind === "network" || error.kind === "bad-response"
  );
}

/** Full jitter: a random delay between 0 and the exponential step, so that many inputs are not retried together. */
function backoffMs(attempts: number, { baseDelayMs, maxDelayMs, random }: RetryPolicy): number {
  return Math.round(random() * Math.min(maxDelayMs, baseDelayMs * 2 ** Math.max(0, attempts - 1)));
}
