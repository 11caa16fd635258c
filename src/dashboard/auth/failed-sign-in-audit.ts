import type { Audit } from "#src/dashboard/audit/audit.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";

const INTERVAL_MS = 60_000;

/**
 * Notes wrong passwords, in one line a minute at most: whoever guesses must not be able to push other lines out of
 * the audit.
 */
export class FailedSignInAudit {
  readonly #audit: Audit;
  readonly #breaker: RedisCircuitBreaker;
  readonly #now: () => number;
  #lastRecordedAt = Number.NEGATIVE_INFINITY;
  #suppressed = 0;

  constructor(audit: Audit, breaker: RedisCircuitBreaker, now: () => number = () => performance.now()) {
    this.#audit = audit;
    this.#breaker = breaker;
    this.#now = now;
  }

  /** `name` is what the person called themselves. Never throws: what is refused stays refused without Redis. */
  record(address: string, name: string | undefined): void {
    this.#suppressed += 1;
    const now = this.#now();
    if (now - this.#lastRecordedAt < INTERVAL_MS) return;
    this.#lastRecordedAt = now;
    const before = this.#suppressed - 1;
    this.#suppressed = 0;
    const principal = { userName: name === undefined || name === "" ? "?" : name, role: "viewer" } as const;
    const detail = before === 0 ? address : `${address}, ${before} more before`;
    this.#breaker
      .run(() => this.#audit.record(principal, { action: "sign-in", detail, refusalReason: "wrong-password" }))
      .catch(() => undefined);
  }
}
