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
const SOON_MS = 100;

/** Services that start while a run is still being planned: a run over many texts then sends its first call sooner. */
export class EarlyServices {
  readonly #open: () => Promise<RunServices>;
  readonly #failed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<RunServices> | undefined;
  #taken = false;

  constructor(open: () => Promise<RunServices>) {
    this.#open = open;
  }

  /** Aborts with the error when they cannot start; planning for a run that cannot be is a waste. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  startSoon(): void {
    this.#timer = setTimeout(() => {
      this.#opening = this.#open();
      this.#opening.catch((error) => this.#failed.abort(error));
    }, SOON_MS);
  }

  /** Hands them over, started by now at the latest. Whoever takes them closes them. */
  take(): Promise<RunServices> {
    clearTimeout(this.#timer);
    this.#taken = true;
    return this.#opening ?? this.#open();
  }

  /** Closes what nobody has taken. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#taken) return;
    const services = await this.#opening?.catch(() => undefined);
    await services?.close();
  }
}
