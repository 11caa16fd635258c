import type { Clock } from "#src/core/clock.ts";
import { QUEUE_SETTINGS } from "#src/queues/names.ts";

/** The jobs that this worker holds, and when each of their BullMQ locks was last renewed. */
export class JobLocks {
  readonly #clock: Clock;
  readonly #renewedAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#renewedAt.size;
  }

  add(jobId: string): void {
    this.#renewedAt.set(jobId, this.#clock.now());
  }

  recordRenewal(jobId: string): void {
    if (this.#renewedAt.has(jobId)) this.#renewedAt.set(jobId, this.#clock.now());
  }

  remove(jobId: string): void {
    this.#renewedAt.delete(jobId);
  }

  /**
   * A worker that could not renew its locks (because Redis or this process stalled) may have lost its jobs to another
   * worker, and learns of it only later. Until a renewal succeeds it must not start a call that might be paid for in
   * vain.
   */
  areFresh(): boolean {
    const oldest = Math.min(...this.#renewedAt.values());
    return this.#renewedAt.size === 0 || this.#clock.now() - oldest < QUEUE_SETTINGS.lockDurationMs * 0.8;
  }
}
