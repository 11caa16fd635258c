import type { Clock } from "#src/core/clock.ts";
import { describeConnectionError } from "./connection-errors.ts";
import type { RedisEvent, RedisRole } from "./redis-event.ts";
import type { RedisClient } from "./script.ts";

/** An outage is reported once, and then once a minute, for all connections of a source together. */
const REPORT_INTERVAL_MS = 60_000;
/** Different error messages per minute; bounds the memory for them, and a storm of messages that differ slightly. */
const MAX_ERROR_MESSAGES = 100;

/** Reports outages of all connections of a source as one. */
export class OutageReporter {
  readonly #clock: Clock;
  readonly #report: (event: RedisEvent) => void;
  readonly #down = new Set<RedisClient>();
  readonly #errors = new Map<string, { readonly at: number; suppressed: number }>();
  #isReported = false;
  #lostAt = Number.NEGATIVE_INFINITY;
  /** Ends the wait until an outage that was not reported yet is. */
  #waiting: AbortController | undefined;

  constructor(clock: Clock, report: (event: RedisEvent) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  recordError(role: RedisRole, error: Error): void {
    const now = this.#clock.monotonic();
    // Only the message is passed on: a reply error also contains the command, and for AUTH that is the password.
    const message = describeConnectionError(error);
    const last = this.#errors.get(message);
    if (last && now - last.at < REPORT_INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    this.#errors.delete(message);
    if (this.#errors.size >= MAX_ERROR_MESSAGES) this.#forgetErrors(now);
    if (this.#errors.size >= MAX_ERROR_MESSAGES) return;
    this.#errors.set(message, { at: now, suppressed: 0 });
    this.#report({ kind: "error", role, message, suppressed: last?.suppressed ?? 0 });
  }

  /**
   * Outages are reported once a minute: a connection may be lost again and again (a master that became a replica). One
   * that begins earlier is reported at the end of the minute if it still lasts.
   */
  recordLost(role: RedisRole, client: RedisClient): void {
    this.#down.add(client);
    if (this.#isReported || this.#waiting) return;
    const waitMs = this.#lostAt + REPORT_INTERVAL_MS - this.#clock.monotonic();
    if (waitMs <= 0) {
      this.#reportLost(role);
      return;
    }
    const waiting = new AbortController();
    this.#waiting = waiting;
    this.#clock.sleep(waitMs, waiting.signal).then(
      () => {
        if (waiting.signal.aborted) return;
        this.#waiting = undefined;
        this.#reportLost(role);
      },
      () => undefined,
    );
  }

  #reportLost(role: RedisRole): void {
    this.#isReported = true;
    this.#lostAt = this.#clock.monotonic();
    this.#report({ kind: "disconnected", role });
  }

  recordReady(role: RedisRole, client: RedisClient): void {
    this.forget(client);
    if (this.#down.size > 0 || !this.#isReported) return;
    this.#isReported = false;
    this.#report({ kind: "reconnected", role });
  }

  forget(client: RedisClient): void {
    this.#down.delete(client);
    if (this.#down.size === 0) this.stop();
  }

  /** Reports no outage later. */
  stop(): void {
    this.#waiting?.abort();
    this.#waiting = undefined;
  }

  #forgetErrors(now: number): void {
    for (const [message, { at }] of this.#errors) {
      if (now - at >= REPORT_INTERVAL_MS) this.#errors.delete(message);
    }
  }
}
