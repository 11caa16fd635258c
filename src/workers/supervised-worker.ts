import { type Clock, systemClock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import type { WorkerHost } from "./worker-host.ts";
import type { WorkerLog } from "./worker-log.ts";

/** A worker with Redis connections of its own. */
export interface ConnectedWorker {
  readonly host: WorkerHost;
  /** Closes its connections. */
  close(): Promise<void>;
}

/** Opens connections and starts a worker on them, which reports to `onStuck`. */
export type ConnectWorker = (onStuck: (reason: string) => void) => Promise<ConnectedWorker>;

/** A fault that a new worker does not end must not cost one every few seconds. */
const MIN_INTERVAL_MS = 60_000;

/**
 * A worker that is replaced when it is stuck: another one with new connections takes jobs, while the old one ends its calls in
 * flight.
 */
export class SupervisedWorker {
  readonly #connect: ConnectWorker;
  readonly #log: WorkerLog;
  readonly #clock: Clock;
  readonly #open = new Set<ConnectedWorker>();
  #replacedAt = Number.NEGATIVE_INFINITY;
  #isReplacing = false;
  #isStopping = false;

  constructor(connect: ConnectWorker, log: WorkerLog, clock: Clock = systemClock) {
    this.#connect = connect;
    this.#log = log;
    this.#clock = clock;
  }

  /** Resolves with a worker that is about to take jobs. Rejects if Redis cannot be used. */
  async start(): Promise<WorkerHost> {
    let started: ConnectedWorker | undefined;
    started = await this.#connect((reason) => void this.#replace(started, reason));
    this.#open.add(started);
    return started.host;
  }

  /** Stops all workers; see `WorkerHost.stop`. Resolves with false if one of them could not be closed. */
  async stop(): Promise<boolean> {
    this.#isStopping = true;
    return (await Promise.all([...this.#open].map(({ host }) => host.stop()))).every(Boolean);
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((worker) => worker.close()));
  }

  async #replace(stuck: ConnectedWorker | undefined, reason: string): Promise<void> {
    if (!stuck || this.#isStopping || this.#isReplacing) return;
    if (this.#clock.monotonic() - this.#replacedAt < MIN_INTERVAL_MS) return;
    this.#isReplacing = true;
    this.#replacedAt = this.#clock.monotonic();
    this.#log.warn("worker is stuck: starting another one with new connections", { reason });
    try {
      const { id, ready } = await this.start();
      if (this.#isStopping) await this.stop();
      await ready;
      this.#log.info("worker takes jobs", { worker: id });
    } catch (error) {
      this.#log.warn("could not start another worker", { error: coerceError(error).message });
      return;
    } finally {
      this.#isReplacing = false;
    }
    await stuck.host.stop();
    await stuck.close();
    this.#open.delete(stuck);
  }
}
