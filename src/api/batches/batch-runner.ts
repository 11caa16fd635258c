import { readCreationTime } from "#src/api/storage/data-folder.ts";
import type { BatchWebhook } from "#src/api/webhooks/batch-webhook.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import { acquireLease, mayHolderLive } from "#src/producer/runs/lease.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { isFinal } from "./batch-object.ts";
import { BATCH_ID_PREFIX } from "./batch-store.ts";
import { type BatchWorkDeps, workOnBatch } from "./work-on-batch.ts";

export interface BatchRunnerOptions extends BatchWorkDeps {
  /** Batches that this server works on at once. */
  readonly concurrency: number;
  /** Reports the end of batches, if it is configured. */
  readonly webhook: BatchWebhook | undefined;
  readonly onError: (error: Error, batch: string) => void;
}

/** A server that has marked a batch as active stores it within this time, or never. */
const LONGEST_CREATION_MS = 3600_000;
/** Between looks for batches that no server works on. */
const SCAN_INTERVAL_MS = 2_000;

/**
 * Works on the batches of the data folder, each under a lease in Redis. All servers look for batches without a living owner,
 * so that one continues what another has left, whatever it was doing.
 */
export class BatchRunner {
  readonly #options: BatchRunnerOptions;
  readonly #stopping = new AbortController();
  readonly #working = new Map<string, Promise<void>>();
  /** When the next attempt to deliver a webhook is due, by batch; epoch ms. */
  readonly #notBefore = new Map<string, number>();
  #wake: (() => void) | undefined;
  #scanning: Promise<void> | undefined;

  constructor(options: BatchRunnerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#scanning ??= this.#scanRegularly();
  }

  /** Looks for batches now: one was created. */
  wake(): void {
    this.#wake?.();
  }

  /** Stops the runs in an orderly way; another server, or the next start, continues them. */
  async close(): Promise<void> {
    this.#stopping.abort(new Error("the server stops"));
    this.#wake?.();
    await this.#scanning;
    await Promise.all(this.#working.values());
  }

  async #scanRegularly(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#scan().catch((error) => this.#options.onError(coerceError(error), "scan"));
      await Promise.race([woken, this.#options.clock.sleep(SCAN_INTERVAL_MS, signal).catch(() => undefined)]);
    }
  }

  async #scan(): Promise<void> {
    const { store, concurrency } = this.#options;
    for (const { tenant, id } of await store.listActive()) {
      if (this.#stopping.signal.aborted || this.#working.size >= concurrency) return;
      if (this.#working.has(id) || (this.#notBefore.get(id) ?? 0) > this.#options.clock.now()) continue;
      const work = this.#work(tenant, id)
        .catch((error) => {
          if (!this.#stopping.signal.aborted) this.#options.onError(coerceError(error), id);
          return false;
        })
        .then((hasWorked) => {
          this.#working.delete(id);
          // Another batch may wait for this place. Without work, looking again at once would find the same.
          if (hasWorked) this.wake();
        });
      this.#working.set(id, work);
    }
  }

  /** Resolves with whether there was anything to do. */
  async #work(tenant: string, id: string): Promise<boolean> {
    const { store, client, keys, clock } = this.#options;
    const control = new RunControl(client, keys, id);
    const holder = await control.coordinator();
    if (holder !== undefined && mayHolderLive(holder)) return false;
    const lease = await acquireLease(control, clock, { onWait: () => undefined, signal: this.#stopping.signal });
    try {
      const found = await store.get(tenant, id);
      // Its server is about to store the batch. If it has died instead, its client has no id, and the mark can go.
      if (!found && clock.now() - readCreationTime(BATCH_ID_PREFIX, id) < LONGEST_CREATION_MS) return false;
      const signal = AbortSignal.any([this.#stopping.signal, lease.lost]);
      const isEnded = !found || isFinal(found.status);
      const batch = isEnded ? found : await workOnBatch(this.#options, found, signal);
      const nextAt = batch && (await this.#options.webhook?.deliver(batch, store.paths(batch).folder));
      if (nextAt !== undefined) this.#notBefore.set(id, nextAt);
      else {
        await store.deactivate(id);
        this.#notBefore.delete(id);
      }
      return !isEnded;
    } finally {
      await lease.release();
    }
  }
}
