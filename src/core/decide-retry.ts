import type { ProviderError } from "./errors.ts";
import { OUTAGE_STREAK } from "./lane.ts";

/** What to do about a failed attempt. */
export type RetryDecision =
  /** The lane waits because the provider said so; not an attempt. */
  | { readonly action: "snooze" }
  /** The lane stops for everybody until a person has mended the account. */
  | { readonly action: "park"; readonly reason: string }
  /**
   * The same inputs again after a pause; costs an attempt. While the lane is out it costs none, and other inputs go
   * first: should these be what the provider fails at, the next probe must not be theirs again.
   */
  | { readonly action: "retry"; readonly delayMs: number; readonly isLaneOut?: true }
  /** Two halves instead: one of the inputs, or their number, is what fails. */
  | { readonly action: "bisect" }
  /** The error is the item's record. */
  | { readonly action: "fail" }
  /** We stopped the call ourselves; the inputs go back. */
  | { readonly action: "return-to-queue" };

export interface FailedCall {
  readonly error: ProviderError;
  /** Attempts charged to these inputs so far, the failed one included; those made while the lane was out are not. */
  readonly attempts: number;
  /** Inputs of the failed call. */
  readonly inputs: number;
  /** Throttle answers in a row to these inputs, this one included. */
  readonly snoozes: number;
  /** Faults in a row on the lane; the lane is out when many, and then no single input is to blame. */
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

/**
 * The one place that decides what a failed attempt leads to. Pure.
 *
 * Server-side faults of a batch are retried once as they are, then in halves: some upstreams answer 500 for one
 * text for ever, and the other nine must not fail with it. While the lane is out, nothing is bisected (the inputs
 * are not the cause) and nothing is failed: the limiter lets one probe through at a time.
 */
export function decideRetry(failed: FailedCall, policy: RetryPolicy = RETRY_DEFAULTS): RetryDecision {
  const { error, attempts, inputs, faultStreak } = failed;
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
      return inputs > 1 ? { action: "bisect" } : { action: "fail" };
    case "server":
    case "timeout":
    case "network":
    case "bad-response": {
      if (faultStreak >= OUTAGE_STREAK) return { action: "retry", delayMs: 0, isLaneOut: true };
      if (inputs > 1 && attempts >= 2) return { action: "bisect" };
      if (inputs === 1 && attempts >= policy.maxAttempts) return { action: "fail" };
      return { action: "retry", delayMs: backoffMs(attempts, policy) };
    }
  }
}

/**
 * A call refused for its tokens again and again, while the lane is paused in between, is larger than the
 * provider's window: smaller ones may pass, and a single input never will.
 */
function decideSnooze({ error, inputs, snoozes }: FailedCall): RetryDecision {
  if (error.dimension !== "tokens") return { action: "snooze" };
  if (inputs > 1 && snoozes >= 4) return { action: "bisect" };
  if (inputs === 1 && snoozes >= 12) return { action: "fail" };
  return { action: "snooze" };
}

/** Does this kind say that the provider itself is in trouble, whatever the input? */
export function isFault(error: ProviderError): boolean {
  return (
    error.kind === "server" || error.kind === "timeout" || error.kind === "network" || error.kind === "bad-response"
  );
}

/** Full jitter: anything between nothing and the exponential step, so that a crowd does not come back together. */
function backoffMs(attempts: number, { baseDelayMs, maxDelayMs, random }: RetryPolicy): number {
  return Math.round(random() * Math.min(maxDelayMs, baseDelayMs * 2 ** Math.max(0, attempts - 1)));
}
