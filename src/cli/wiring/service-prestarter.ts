import type { ChildWorkers } from "./child-workers.ts";
import type { OpenedRedis } from "./open-redis.ts";

/** What a run needs in addition to its folder. */
export interface RunServices {
  readonly redis: OpenedRedis;
  readonly workers: ChildWorkers;
  /** Stops the workers, then leaves Redis. */
  close(): Promise<void>;
}

/** Planning that ends sooner gains nothing from an early start; most invalid sources are refused within it. */
const PRESTART_DELAY_MS = 100;

/** Starts services while a run is still being planned, so that a run over many texts sends its first call sooner. */
export class ServicePrestarter {
  readonly #open: () => Promise<RunServices>;
  readonly #failed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<RunServices> | undefined;
  #isAcquired = false;

  constructor(open: () => Promise<RunServices>) {
    this.#open = open;
  }

  /** Aborts with the error if the services cannot start, because planning is then pointless. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  scheduleStart(): void {
    this.#timer = setTimeout(() => {
      this.#opening = this.#open();
      this.#opening.catch((error) => this.#failed.abort(error));
    }, PRESTART_DELAY_MS);
  }

  /** Returns the services, and starts them if necessary. The caller must close them. */
  acquire(): Promise<RunServices> {
    clearTimeout(this.#timer);
    this.#isAcquired = true;
    return this.#opening ?? this.#open();
  }

  /** Closes the services unless they were acquired. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#isAcquired) return;
    const services = await this.#opening?.catch(() => undefined);
    await services?.close();
  }
}
