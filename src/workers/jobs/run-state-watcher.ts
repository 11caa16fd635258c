import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import { PAUSED_DELAY_MS, ReturnToQueue } from "./job-completion.ts";

/** What a job works for: a run, or an item that was submitted on its own. */
export type JobOwner = { readonly run: string } | { readonly item: string };

export interface RunStateWatcherDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly log: WorkerLog;
  /** Gives back the inputs of a run or item that are not inside a call. */
  readonly returnToQueue: (reason: ReturnToQueue, id: string) => void;
}

const CHECK_INTERVAL_MS = 1_000;

interface TrackedOwner {
  readonly stateKey: string;
  readonly isRun: boolean;
  jobs: number;
}

/**
 * What this worker holds jobs of. Looks every second whether a run has been paused or cancelled, or an item cancelled:
 * hundreds of inputs may be waiting here, long after their jobs were claimed.
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

  /** Notes that a job is held; the function it returns says that it is no longer. */
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

  /** One look at a time: while Redis is away, they would only pile up. */
  async #checkStates(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { client, returnToQueue, log } = this.#deps;
    try {
      await Promise.all(
        [...this.#tracked].map(async ([id, { stateKey, isRun }]) => {
          const state = await client.hget(stateKey, "state");
          if (state === "paused") returnToQueue(new ReturnToQueue("the run is paused", PAUSED_DELAY_MS), id);
          // The next claim of the job sees it too, and drops the job.
          else if (state === "cancelled") returnToQueue(new ReturnToQueue("cancelled"), id);
          // A run that ended, or that was opened anew under the same name, needs nothing of what waits here.
          else if (isRun && state === "done") returnToQueue(new ReturnToQueue("the run has ended"), id);
        }),
      );
    } catch (error) {
      log.debug("could not look at runs", { error: error instanceof Error ? error.message : "" });
    } finally {
      this.#isChecking = false;
    }
  }
}
