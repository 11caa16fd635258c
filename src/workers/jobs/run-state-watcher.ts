import { coerceError } from "#src/core/failures/errors.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import { PAUSED_DELAY_MS, ReturnToQueue } from "./return-to-queue.ts";

/** The run or the standalone item that a job belongs to. */
export type JobOwner = { readonly run: string } | { readonly item: string };

export interface RunStateWatcherDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly log: WorkerLog;
  /** Returns the inputs of a run or item that are not in a call to the queue. */
  readonly returnToQueue: (reason: ReturnToQueue, id: string) => void;
}

const CHECK_INTERVAL_MS = 1_000;

interface TrackedOwner {
  readonly stateKey: string;
  readonly isRun: boolean;
  jobs: number;
}

/**
 * Checks every second whether a run or item that this worker holds jobs of has been paused or cancelled: hundreds of
 * inputs may wait in the worker long after their jobs were claimed.
 */
export class RunStateWatcher {
  readonly #deps: RunStateWatcherDeps;
  readonly #tracked = new Map<string, TrackedOwner>();
  readonly #timer: NodeJS.Timeout;
  #isChecking = false;

  constructor(deps: RunStateWatcherDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.#checkStates(), CHECK_INTERVAL_MS);
  }

  /** Registers a job that the worker holds; call the returned function when it no longer does. */
  track(owner: JobOwner): () => void {
    const { keys } = this.#deps;
    const [id, stateKey, isRun] =
      "run" in owner ? [owner.run, keys.run(owner.run).meta, true] : [owner.item, keys.item(owner.item).state, false];
    const tracked = this.#tracked.get(id) ?? { stateKey, isRun, jobs: 0 };
    tracked.jobs += 1;
    this.#tracked.set(id, tracked);
    return () => {
      tracked.jobs -= 1;
      if (tracked.jobs === 0 && this.#tracked.get(id) === tracked) this.#tracked.delete(id);
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Runs one check at a time: checks would pile up while Redis is unavailable. */
  async #checkStates(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { client, returnToQueue, log } = this.#deps;
    try {
      await Promise.all(
        [...this.#tracked].map(async ([id, { stateKey, isRun }]) => {
          const [state, held] = await client.hmget(stateKey, "state", "held");
          if (state === "paused" || (state === "running" && held === "1"))
            returnToQueue(new ReturnToQueue("the run is paused", PAUSED_DELAY_MS), id);
          // The job's next claim sees the state too and drops the job.
          else if (state === "cancelled") returnToQueue(new ReturnToQueue("cancelled"), id);
          // A run that has ended, or was opened again under the same name, does not need these inputs.
          else if (isRun && state === "done") returnToQueue(new ReturnToQueue("the run has ended"), id);
        }),
      );
    } catch (error) {
      log.debug("could not check run states", { error: coerceError(error).message });
    } finally {
      this.#isChecking = false;
    }
  }
}
