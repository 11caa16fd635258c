import type { RunServices } from "./run-services.ts";

/** Shorter planning gains nothing from an early start, and most refused input is refused within this time. */
const PRESTART_DELAY_MS = 100;

/** Starts the services of a run while it is being planned, so that a run over many texts sends its first call sooner. */
export class ServicePrestarter {
  readonly #open: () => Promise<RunServices>;
  readonly #failed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<RunServices> | undefined;
  #isAcquired = false;

  constructor(open: () => Promise<RunServices>) {
    this.#open = open;
  }

  /** Aborts with the error if the services cannot start, so that planning can stop. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  scheduleStart(): void {
    this.#timer = setTimeout(() => {
      this.#opening = this.#open();
      this.#opening.catch((error) => this.#failed.abort(error));
    }, PRESTART_DELAY_MS);
  }

  /** Transfers the services to the caller, who must close them. Starts them if that has not happened yet. */
  acquire(): Promise<RunServices> {
    clearTimeout(this.#timer);
    this.#isAcquired = true;
    return this.#opening ?? this.#open();
  }

  /** Closes services that were not acquired. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#isAcquired) return;
    const services = await this.#opening?.catch(() => undefined);
    await services?.close();
  }
}
