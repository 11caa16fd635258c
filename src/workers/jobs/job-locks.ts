import type { Clock } from "#src/core/clock.ts";
import { QUEUE_SETTINGS } from "#src/queues/names.ts";

/** The BullMQ locks of the jobs that this worker holds, by token, and when each was last renewed. */
export class JobLocks {
  readonly #clock: Clock;
  readonly #renewedAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#renewedAt.size;
  }

  /** `ageMs`: the time since the lock was requested. */
  add(token: string, ageMs: number): void {
    this.#renewedAt.set(token, this.#clock.monotonic() - ageMs);
  }

  /**
   * Returns a function that records the renewal of locks. A lock counts as renewed when that was requested: the process may
   * have been suspended before it got the reply.
   */
  startRenewal(): (token: string) => void {
    const requestedAt = this.#clock.monotonic();
    return (token) => {
      if (this.#renewedAt.has(token)) this.#renewedAt.set(token, requestedAt);
    };
  }

  remove(token: string): void {
    this.#renewedAt.delete(token);
  }

  /**
   * A worker that could not renew its locks (because Redis or this process stalled) may have lost its jobs to another
   * worker, and learns of it only later. Until a renewal succeeds it must not start a call that might be paid for in
   * vain.
   */
  areFresh(): boolean {
    const oldest = Math.min(...this.#renewedAt.values());
    return this.#renewedAt.size === 0 || this.#clock.monotonic() - oldest < QUEUE_SETTINGS.lockDurationMs * 0.8;
  }
}
