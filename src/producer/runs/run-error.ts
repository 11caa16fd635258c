import { RunError } from "#src/core/errors.ts";
import type { OutageSnapshot } from "./progress/run-snapshot.ts";

/** A run stopped before its end and can go on: the same command resumes it. */
export class RunStoppedError extends RunError {
  readonly reason: "interrupted" | "parked" | "cancelled" | "lost-lease" | "budget";

  constructor(reason: RunStoppedError["reason"], message: string, hint?: string) {
    super(message, hint);
    this.reason = reason;
  }
}

/** Redis has forgotten the run while it was going on; the coordinator opens it again from what is on disk. */
export class RunLostError extends Error {
  override readonly name = "RunLostError";

  constructor() {
    super("Redis no longer knows the run");
  }
}

/**
 * Why a run whose lanes are all parked stops, in words that say what to mend; `trouble` is what the calls of an
 * unreachable one ended with.
 */
export function createParkedError(reasons: readonly string[], outage?: OutageSnapshot): RunStoppedError {
  const [first = "parked"] = reasons;
  const hint = first.startsWith("auth")
    ? "mend the credentials"
    : first.startsWith("quota")
      ? "mend the account (balance, plan or quota)"
      : "see that the provider can be reached (its base URL, your network)";
  const message =
    first === "unreachable"
      ? `the provider cannot be reached: call after call ended in ${describeOutage(outage)}`
      : first;
  return new RunStoppedError(
    "parked",
    message,
    `${hint}, then run the same command again: it goes on where it stopped`,
  );
}

function describeOutage(outage: OutageSnapshot | undefined): string {
  if (!outage) return "a network error, a server error or a timeout";
  const { kind, message, address } = outage;
  return `an error${address === undefined ? "" : ` at ${address}`} (${kind}: ${message})`;
}
