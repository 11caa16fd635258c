import { coerceError } from "#src/core/failures/errors.ts";
import { acquireLease, mayHolderLive } from "#src/producer/runs/lease.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { isFinal } from "./batch-object.ts";
import { type BatchWorkDeps, workOnBatch } from "./work-on-batch.ts";

export interface BatchRunnerOptions extends BatchWorkDeps {
  /** Batches that this server works on at once. */
  readonly concurrency: number;
  readonly onError: (error: Error, batch: string) => void;
}

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
      if (this.#working.has(id)) continue;
      const work = this.#work(tenant, id)
        .catch((error) => {
          if (!this.#stopping.signal.aborted) this.#options.onError(coerceError(error), id);
        })
        .finally(() => {
          this.#working.delete(id);
          this.wake();
        });
      this.#working.set(id, work);
    }
  }

  async #work(tenant: string, id: string): Promise<void> {
    const { store, client, keys, clock } = this.#options;
    const control = new RunControl(client, keys, id);
    const holder = await control.coordinator();
    if (holder !== undefined && mayHolderLive(holder)) return;
    const lease = await acquireLease(control, clock, { onWait: () => undefined, signal: this.#stopping.signal });
    try {
      const batch = await store.get(tenant, id);
      // A mark without a batch: its server died before it had stored the batch, and its client has no id.
      if (!batch || isFinal(batch.status)) await store.deactivate(id);
      else await workOnBatch(this.#options, batch, AbortSignal.any([this.#stopping.signal, lease.lost]));
    } finally {
      await lease.release();
    }
  }
}
