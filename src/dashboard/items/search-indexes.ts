import { setTimeout as sleep } from "node:timers/promises";
import { coerceError } from "#src/core/failures/errors.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import { updateIndexInChildProcess } from "#src/producer/items/index-in-child-process.ts";
import type { ItemFinder } from "#src/producer/items/item-finder.ts";

/** The index of a small run is complete within this time, so that its first search needs one request. */
const WAIT_MS = 1_500;

interface IndexUpdate {
  /** Share of the work, 0 to 1. */
  share: number;
  error: Error | undefined;
  readonly done: Promise<void>;
}

/** Builds the search indexes of runs in child processes, one per run at a time, when the first search needs them. */
export class SearchIndexes {
  /** By folder. A failed update stays until it has been reported, or until the next one. */
  readonly #updates = new Map<string, IndexUpdate>();
  readonly #closing = new AbortController();

  /**
   * Makes sure that the run's index exists, and starts adding the answers that are new. Resolves with the share that is
   * complete if searches have to wait, else with undefined. Throws an HttpError when the index cannot be written.
   */
  async prepare(dir: string, finder: ItemFinder): Promise<number | undefined> {
    if (finder.hasSearchIndex) {
      // The search works without the newest answers, so the error is not reported.
      if (this.#updates.get(dir)?.error) this.#updates.delete(dir);
      if (finder.hasNewAnswers()) this.#update(dir);
      return undefined;
    }
    const update = this.#update(dir);
    await Promise.race([update.done, sleep(WAIT_MS)]);
    if (this.#updates.get(dir) === update && !update.error) return update.share;
    this.#updates.delete(dir);
    if (update.error) throw new HttpError(ERRORS.indexFailed(update.error.message));
    return undefined;
  }

  close(): void {
    this.#closing.abort();
  }

  #update(dir: string): IndexUpdate {
    const running = this.#updates.get(dir);
    if (running) return running;
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }) => {
      update.share = done / Math.max(1, total);
    };
    const done = updateIndexInChildProcess(dir, onProgress, this.#closing.signal).then(
      () => void this.#updates.delete(dir),
      (error: unknown) => {
        update.error = coerceError(error);
      },
    );
    const update: IndexUpdate = { share: 0, error: undefined, done };
    this.#updates.set(dir, update);
    return update;
  }
}
