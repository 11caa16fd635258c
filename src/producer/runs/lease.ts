import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Clock } from "#src/core/clock.ts";
import type { RunControl } from "#src/state/runs/run-control.ts";
import { isProcessAlive } from "./folder/folder-lock.ts";
import { RunStoppedError } from "./run-error.ts";

/** Time after which another process can take over the run of a dead coordinator. */
export const LEASE_MS = 10_000;
const RENEW_INTERVAL_MS = 2_000;

/** The lease of a run, renewed in the background from the moment it is acquired until it is released or lost. */
export interface Lease {
  readonly token: string;
  /** Aborts with a RunStoppedError when another process has taken over the run. */
  readonly lost: AbortSignal;
  /** Renews the lease, or acquires it again if it has expired. Throws if another process holds it. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseOptions {
  /** Called once if another machine holds the lease. */
  readonly onWait: (holder: string) => void;
  /** Runs each background renewal, and may observe its outcome. */
  readonly onRenewal?: (renewal: () => Promise<void>) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Acquires the lease of a run. The lease of a dead process of this machine is broken immediately. If the holder is on
 * another machine, its lease may expire, so this waits. Throws a RunStoppedError if the holder is alive.
 */
export async function acquireLease(
  control: RunControl,
  clock: Clock,
  { onWait, onRenewal = (renewal) => renewal(), signal }: LeaseOptions,
): Promise<Lease> {
  const token = `${hostname()}/${process.pid}/${randomBytes(6).toString("hex")}`;
  const deadline = clock.monotonic() + LEASE_MS * 1.5;
  for (let isNotified = false; ; ) {
    signal.throwIfAborted();
    const holder = await control.acquireLease(token, LEASE_MS);
    if (holder === undefined) break;
    const status = checkHolder(holder);
    if (status === "dead") {
      await control.breakLease(holder);
      continue;
    }
    if (status === "alive" || clock.monotonic() > deadline) throw createLeaseHeldError(holder);
    if (!isNotified) onWait(describeHolder(holder));
    isNotified = true;
    await clock.sleep(250, signal);
  }
  return keepLease(control, token, clock, onRenewal);
}

function keepLease(
  control: RunControl,
  token: string,
  clock: Clock,
  onRenewal: NonNullable<LeaseOptions["onRenewal"]>,
): Lease {
  const released = new AbortController();
  const lost = new AbortController();
  const renew = async () => {
    const holder = await control.acquireLease(token, LEASE_MS);
    if (holder === undefined) return;
    const error = createLeaseHeldError(holder);
    lost.abort(error);
    throw error;
  };
  const renewRegularly = async () => {
    while (!released.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(RENEW_INTERVAL_MS, released.signal);
      // An error of Redis is temporary; if it lasts longer than the lease, the next renewal acquires the lease again.
      await onRenewal(renew).catch(() => undefined);
    }
  };
  const renewing = renewRegularly().catch(() => undefined);
  return {
    token,
    lost: lost.signal,
    renew,
    async release() {
      released.abort();
      // A renewal that is in progress must not acquire the lease again after its release.
      await renewing;
      await control.releaseLease(token);
    },
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
