import { coerceError, RunError } from "#src/core/failures/errors.ts";
import type { LaneSnapshot, OutageSnapshot } from "./progress/run-snapshot.ts";

/** A run stopped before its end. The same command resumes it. */
export class RunStoppedError extends RunError {
  readonly reason: "interrupted" | "parked" | "cancelled" | "lost-lease" | "budget" | "wait-too-long";

  constructor(reason: RunStoppedError["reason"], message: string, hint?: string) {
    super(message, hint);
    this.reason = reason;
  }
}

export function isStoppedBy(error: unknown, reason: RunStoppedError["reason"]): boolean {
  return error instanceof RunStoppedError && error.reason === reason;
}

/** A file or folder of the run was deleted or replaced. Nothing that is written to it now is kept. */
export class FolderLostError extends RunError {
  constructor(path: string, { isRestored = false } = {}) {
    super(
      `${path} was deleted or replaced during the run; no further calls are made`,
      isRestored
        ? "Its contents were written again. Run the same command again to resume where it stopped."
        : "Restore the files and run the same command again. To start over without them, use --force: all answers are then paid for again.",
    );
  }
}

/** Redis lost the run while it was coordinated. The coordinator reopens it with the state on disk. */
export class RunLostError extends Error {
  override readonly name = "RunLostError";

  constructor() {
    super("Redis no longer knows the run");
  }
}

/** The message, hint and reason of a stop, as published for dashboards. */
export function describeStopReason(thrown: unknown): { message: string; hint?: string; reason?: string } {
  return {
    message: coerceError(thrown).message,
    hint: thrown instanceof RunError ? thrown.hint : undefined,
    reason: thrown instanceof RunStoppedError ? thrown.reason : undefined,
  };
}

const RESUME_HINT = "then run the same command again. It resumes where it stopped.";
const PARKED_HINTS = {
  auth: `Fix the credentials or the permissions of the account, ${RESUME_HINT} If the name of the model is wrong, start a new run.`,
  quota: `Fix the account (balance, plan or quota), ${RESUME_HINT}`,
  canary:
    "Find out from the provider which vectors are right. To replace the suspect ones, embed everything again with --force, at the usual price; to keep them, run the same command again: it resumes where it stopped, with a new reference.",
  other: `Check that the provider can be reached (its base URL, your network), ${RESUME_HINT}`,
};

/**
 * The reason to stop a run whose lanes are all parked for `reasons`. `outage` is the newest error of an unreachable
 * provider.
 */
export function createParkedError(reasons: readonly string[], outage?: OutageSnapshot): RunStoppedError {
  const [first = "parked"] = reasons;
  const kind = (["auth", "quota", "canary"] as const).find((start) => first.startsWith(start)) ?? "other";
  const message =
    first === "unreachable"
      ? `the provider cannot be reached: calls keep failing with ${describeOutage(outage)}`
      : first;
  return new RunStoppedError("parked", message, PARKED_HINTS[kind]);
}

/** The reason to stop a run whose lanes wait longer than --max-wait allows. `lane` is the one that waits for the shortest time. */
export function createWaitError(lane: LaneSnapshot): RunStoppedError {
  const { name, reason, snoozeUntil } = lane;
  const until = snoozeUntil === undefined ? "later" : formatTime(snoozeUntil);
  return new RunStoppedError(
    "wait-too-long",
    `${name} makes no calls until ${until}, which is longer than --max-wait allows${reason === undefined ? "" : ` (${reason})`}`,
    "Nothing is lost. Run the same command again after that time to resume where it stopped.",
  );
}

/** "2026-11-21 12:00:00 UTC" */
function formatTime(at: number): string {
  return new Date(at)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
}

function describeOutage(outage: OutageSnapshot | undefined): string {
  if (!outage) return "a network error, a server error or a timeout";
  const { kind, message, address } = outage;
  return `an error${address === undefined ? "" : ` at ${address}`} (${kind}: ${message})`;
}
