import type { Clock } from "#src/core/clock.ts";

/** Lets a loop sleep until it is notified or until some time has passed. */
export class WakeSignal {
  readonly #clock: Clock;
  #pending = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgets earlier notifications; call it before reading the state that notifications are about. */
  reset(): void {
    this.#pending = Promise.withResolvers<void>();
  }

  notify(): void {
    this.#pending.resolve();
  }

  /** Resolves at the next notification, at one since `reset`, or after `ms`. */
  async wait(ms?: number): Promise<void> {
    if (ms === undefined) return await this.#pending.promise;
    const timer = new AbortController();
    const timeout = this.#clock.sleep(Math.max(1, ms), timer.signal).catch(() => undefined);
    await Promise.race([this.#pending.promise, timeout]);
    timer.abort();
  }
}
