import type { PublishedOutput } from "#src/producer/output/publish-output.ts";
import type { RunParts } from "#src/producer/run-kinds/run-kind.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";

/** Writes the output of a run: while it is in progress if the kind of run can do so, otherwise at its end. */
export class OutputTask {
  readonly #parts: RunParts;
  readonly #store: RunStore;
  readonly #stop = new AbortController();
  #output: Promise<PublishedOutput> | undefined;
  #refusals = 0;
  #onProgress: () => void = () => undefined;

  constructor(parts: RunParts, store: RunStore) {
    this.#parts = parts;
    this.#store = store;
    if (parts.writesWhileRunning) void this.#start();
  }

  /** Call it once the run is complete. Resolves when all files are durable in the output folder. */
  async finish(onProgress: () => void, signal: AbortSignal): Promise<PublishedOutput & { readonly refusals: number }> {
    this.#onProgress = onProgress;
    const stop = () => this.#stop.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (signal.aborted) stop();
      const { files, digests } = await this.#start();
      return { files, digests, refusals: this.#refusals };
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Stops writing; the next run of the command starts again. Resolves when no file is written any more. */
  async cancel(): Promise<void> {
    this.#stop.abort();
    await this.#output?.catch(() => undefined);
  }

  #start(): Promise<PublishedOutput> {
    this.#output ??= this.#parts.writeOutput(this.#store, {
      onProgress: () => this.#onProgress(),
      onRefusal: () => {
        this.#refusals += 1;
      },
      signal: this.#stop.signal,
    });
    // `finish` reports the error.
    this.#output.catch(() => undefined);
    return this.#output;
  }
}
