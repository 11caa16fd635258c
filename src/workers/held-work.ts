import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import { HandBack, PAUSED_DELAY_MS } from "./job-ticket.ts";
import type { WorkerLog } from "./worker-log.ts";

/** What a job works for: a run, or an item that was submitted on its own. */
export type Purpose = { readonly run: string } | { readonly item: string };

export interface HeldWorkDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly log: WorkerLog;
  /** Gives back the inputs of a run or item that are not inside a call. */
  readonly handBack: (reason: HandBack, id: string) => void;
}

const LOOK_EVERY_MS = 1_000;

interface Held {
  readonly stateKey: string;
  readonly isRun: boolean;
  jobs: number;
}

/**
 * What this worker holds jobs of. Looks every second whether a run has been paused or cancelled, or an item cancelled:
 * hundreds of inputs may be waiting here, long after their jobs were claimed.
 */
export class HeldWork {
  readonly #deps: HeldWorkDeps;
  readonly #held = new Map<string, Held>();
  readonly #timer: NodeJS.Timeout;
  #looking = false;

  constructor(deps: HeldWorkDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  /** Notes that a job is held; the function it returns says that it is no longer. */
  hold(purpose: Purpose): () => void {
    const { keys } = this.#deps;
    const [id, stateKey, isRun] =
      "run" in purpose
        ? [purpose.run, keys.run(purpose.run).meta, true]
        : [purpose.item, keys.item(purpose.item).state, false];
    const held = this.#held.get(id) ?? { stateKey, isRun, jobs: 0 };
    held.jobs += 1;
    this.#held.set(id, held);
    return () => {
      held.jobs -= 1;
      if (held.jobs === 0 && this.#held.get(id) === held) this.#held.delete(id);
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One look at a time: while Redis is away, they would only pile up. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { client, handBack, log } = this.#deps;
    try {
      await Promise.all(
        [...this.#held].map(async ([id, { stateKey, isRun }]) => {
          const state = await client.hget(stateKey, "state");
          if (state === "paused") handBack(new HandBack("the run is paused", PAUSED_DELAY_MS), id);
          // The next claim of the job sees it too, and drops the job.
          else if (state === "cancelled") handBack(new HandBack("cancelled"), id);
          // A run that ended, or that was opened anew under the same name, needs nothing of what waits here.
          else if (isRun && state === "done") handBack(new HandBack("the run has ended"), id);
        }),
      );
    } catch (error) {
      log.debug("could not look at runs", { error: error instanceof Error ? error.message : "" });
    } finally {
      this.#looking = false;
    }
  }
}
