import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Clock } from "#src/core/clock.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { isProcessAlive } from "./folder-lock.ts";
import { RunStoppedError } from "./run-error.ts";

/** A dead coordinator's run can be taken over after this long; renewed several times in between. */
export const LEASE_MS = 10_000;

export interface Lease {
  readonly token: string;
  /** Renews; takes the lease again when it lapsed and nobody else has it. Throws when somebody else has. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lease of a run. One held by a process of this machine that no longer lives is broken at once; one that
 * may merely be silent is waited for until it lapses; a live holder means that the run is refused.
 */
export async function acquireLease(
  control: RunControl,
  clock: Clock,
  { onWait, signal }: { onWait: (holder: string) => void; signal: AbortSignal },
): Promise<Lease> {
  const token = `${hostname()}/${process.pid}/${randomBytes(6).toString("hex")}`;
  const deadline = clock.now() + LEASE_MS * 1.5;
  for (let isNotified = false; ; ) {
    signal.throwIfAborted();
    const holder = await control.acquireLease(token, LEASE_MS);
    if (holder === undefined) break;
    const status = checkHolder(holder);
    if (status === "dead") {
      await control.breakLease(holder);
      continue;
    }
    if (status === "alive" || clock.now() > deadline) throw createLeaseHeldError(holder);
    if (!isNotified) onWait(describeHolder(holder));
    isNotified = true;
    await clock.sleep(250, signal);
  }
  return {
    token,
    async renew() {
      const holder = await control.acquireLease(token, LEASE_MS);
      if (holder !== undefined) throw createLeaseHeldError(holder, "lost-lease");
    },
    release: () => control.releaseLease(token),
  };
}

/** False only if the lease's holder is known to be dead. Nothing is known about processes of other machines. */
export function mayHolderLive(holder: string): boolean {
  return checkHolder(holder) !== "dead";
}

function checkHolder(holder: string): "alive" | "dead" | "unknown" {
  const [host, pid] = holder.split("/");
  if (host !== hostname()) return "unknown";
  return isProcessAlive(Number(pid)) ? "alive" : "dead";
}

function describeHolder(holder: string): string {
  const [host, pid] = holder.split("/");
  return `process ${pid} on ${host}`;
}

function createLeaseHeldError(holder: string, reason: "lost-lease" | "interrupted" = "lost-lease"): RunStoppedError {
  return new RunStoppedError(
    reason,
    `this run is being worked on by ${describeHolder(holder)}`,
    "wait for it to end, or stop it; then run the same command again",
  );
}
