import type { Audit } from "#src/dashboard/audit/audit.ts";
import { AUDIT_DETAILS } from "#src/dashboard/messages.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";

const INTERVAL_MS = 60_000;

/** Records wrong passwords in at most one audit entry per minute, so that guessing cannot push other entries out. */
export class FailedSignInAudit {
  readonly #audit: Audit;
  readonly #breaker: RedisCircuitBreaker;
  readonly #now: () => number;
  #lastRecordedAt = Number.NEGATIVE_INFINITY;
  #unrecorded = 0;

  constructor(audit: Audit, breaker: RedisCircuitBreaker, now: () => number = () => performance.now()) {
    this.#audit = audit;
    this.#breaker = breaker;
    this.#now = now;
  }

  /** `name` is the name that the client gave. Never throws: the sign-in is refused with or without Redis. */
  record(address: string, name: string | undefined): void {
    const now = this.#now();
    if (now - this.#lastRecordedAt < INTERVAL_MS) {
      this.#unrecorded += 1;
      return;
    }
    this.#lastRecordedAt = now;
    const principal = { userName: name || "?", role: "viewer" } as const;
    const detail = AUDIT_DETAILS.failedSignIn(address, this.#unrecorded);
    this.#unrecorded = 0;
    this.#breaker
      .run(() => this.#audit.record(principal, { action: "sign-in", detail, refusalReason: "wrong-password" }))
      .catch(() => undefined);
  }
}
