import type { Audit } from "../audit.ts";
import type { RedisGate } from "../look/redis-gate.ts";

const EVERY_MS = 60_000;

/**
 * Notes wrong passwords, in one line a minute at most: whoever guesses must not be able to push other lines out of
 * the audit.
 */
export class FailedSignIns {
  readonly #audit: Audit;
  readonly #gate: RedisGate;
  readonly #now: () => number;
  #notedAt = Number.NEGATIVE_INFINITY;
  #unnoted = 0;

  constructor(audit: Audit, gate: RedisGate, now: () => number = () => performance.now()) {
    this.#audit = audit;
    this.#gate = gate;
    this.#now = now;
  }

  /** `name` is what the person called themselves. Never throws: what is refused stays refused without Redis. */
  note(address: string, name: string | undefined): void {
    this.#unnoted += 1;
    const now = this.#now();
    if (now - this.#notedAt < EVERY_MS) return;
    this.#notedAt = now;
    const before = this.#unnoted - 1;
    this.#unnoted = 0;
    const person = { who: name === undefined || name === "" ? "?" : name, role: "viewer" } as const;
    const detail = before === 0 ? address : `${address}, ${before} more before`;
    this.#gate
      .ask(() => this.#audit.note(person, { action: "sign-in", detail, refused: "wrong-password" }))
      .catch(() => undefined);
  }
}
