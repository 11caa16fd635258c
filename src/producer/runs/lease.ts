import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Clock } from "#src/core/clock.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { isProcessAlive } from "./folder-lock.ts";
import { RunStoppedError } from "./run-error.ts";

/** Time after which another process can take over the run of a dead coordinator. The lease is renewed every 2 s. */
export const LEASE_MS = 10_000;

export interface Lease {
  readonly token: string;
  /** Renews the lease, or acquires it again if it has expired. Throws if another process holds it. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Acquires the lease of a run. The lease of a dead process of this machine is broken immediately. If the holder is on
 * another machine, its lease may expire, so this waits. Throws a RunStoppedError if the holder is alive.
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
      if (holder !== undefined) throw createLeaseHeldError(holder);
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

function createLeaseHeldError(holder: string): RunStoppedError {
  return new RunStoppedError(
    "lost-lease",
    `this run is coordinated by ${describeHolder(holder)}`,
    "Wait for it to end, or stop it. Then run the same command again.",
  );
}
