import { RunError } from "../../core/errors.ts";
import type { TroubleSnapshot } from "../run-snapshot.ts";

/** A run stopped before its end and can go on: the same command resumes it. */
export class RunStopped extends RunError {
  readonly reason: "interrupted" | "parked" | "cancelled" | "lost-lease" | "budget";

  constructor(reason: RunStopped["reason"], message: string, mend?: string) {
    super(message, mend);
    this.reason = reason;
  }
}

/** Redis has forgotten the run while it was going on; the coordinator opens it again from what is on disk. */
export class RunLost extends Error {
  override readonly name = "RunLost";

  constructor() {
    super("Redis no longer knows the run");
  }
}

/**
 * Why a run whose lanes are all parked stops, in words that say what to mend; `trouble` is what the calls of an
 * unreachable one ended with.
 */
export function parkedError(reasons: readonly string[], trouble?: TroubleSnapshot): RunStopped {
  const [first = "parked"] = reasons;
  const mend = first.startsWith("auth")
    ? "mend the credentials"
    : first.startsWith("quota")
      ? "mend the account (balance, plan or quota)"
      : "see that the provider can be reached (its base URL, your network)";
  const message =
    first === "unreachable"
      ? `the provider cannot be reached: call after call ended in ${describeTrouble(trouble)}`
      : first;
  return new RunStopped(
    "parked",
    message,
    `${mend}, then run the same command again: it goes on where it stopped`,
  );
}

function describeTrouble(trouble: TroubleSnapshot | undefined): string {
  if (!trouble) return "a network error, a server error or a timeout";
  const { kind, message, address } = trouble;
  return `an error${address === undefined ? "" : ` at ${address}`} (${kind}: ${message})`;
}
