import type { ChildWorkers } from "./child-workers.ts";
import type { OpenedRedis } from "./open-redis.ts";

/** What a run needs beside its folder. */
export interface RunServices {
  readonly redis: OpenedRedis;
  readonly workers: ChildWorkers;
  /** Stops the workers, then leaves Redis. */
  close(): Promise<void>;
}

/** A planning that ends sooner is too short to gain anything; a source that is refused mostly is within it. */
const PRESTART_DELAY_MS = 100;

/** Services that start while a run is still being planned: a run over many texts then sends its first call sooner. */
export class ServicePrestarter {
  readonly #open: () => Promise<RunServices>;
  readonly #failed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<RunServices> | undefined;
  #isAcquired = false;

  constructor(open: () => Promise<RunServices>) {
    this.#open = open;
  }

  /** Aborts with the error when they cannot start; planning for a run that cannot be is a waste. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  scheduleStart(): void {
    this.#timer = setTimeout(() => {
      this.#opening = this.#open();
      this.#opening.catch((error) => this.#failed.abort(error));
    }, PRESTART_DELAY_MS);
  }

  /** Hands them over, started by now at the latest. Whoever takes them closes them. */
  acquire(): Promise<RunServices> {
    clearTimeout(this.#timer);
    this.#isAcquired = true;
    return this.#opening ?? this.#open();
  }

  /** Closes what nobody has taken. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#isAcquired) return;
    const services = await this.#opening?.catch(() => undefined);
    await services?.close();
  }
}
