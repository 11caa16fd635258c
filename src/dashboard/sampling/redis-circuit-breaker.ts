import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { ServerHealth } from "./server-health.ts";

/** Longer than a healthy Redis ever takes, shorter than users wait. */
const COMMAND_TIMEOUT_MS = 4_000;

/**
 * Fails fast while Redis is unavailable: the client waits for ever for Redis, but a page must not. While the circuit is
 * open, work is refused at once, and the client's queue contains nothing but one PING, whose reply closes the circuit.
 */
export class RedisCircuitBreaker {
  readonly #client: RedisClient;
  /** On the monotonic clock, so that a clock change does not affect the duration. */
  #openedAt: number | undefined;
  #probing = false;

  constructor(client: RedisClient) {
    this.#client = client;
    client.on("close", () => this.#openCircuit());
  }

  health(): ServerHealth {
    const at = Date.now();
    if (this.#openedAt === undefined) return { at, redis: { state: "ok" } };
    const since = Math.round(at - (performance.now() - this.#openedAt));
    return { at, redis: { state: "unavailable", since } };
  }

  get isOpen(): boolean {
    return this.#openedAt !== undefined;
  }

  /** Resolves with the result of `work`. Throws an HttpError if Redis is unavailable or does not answer in time. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#openedAt !== undefined) throw this.#createUnavailableError();
    const pending = work();
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#openCircuit();
      timeout.reject(this.#createUnavailableError());
    }, COMMAND_TIMEOUT_MS);
    try {
      return await Promise.race([pending, timeout.promise]);
    } catch (error) {
      pending.catch(() => undefined);
      // Work that was in progress when the connection broke may fail in any way.
      if (this.isOpen && !(error instanceof HttpError)) throw this.#createUnavailableError();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #createUnavailableError(): HttpError {
    return new HttpError(ERRORS.redisUnavailable);
  }

  #openCircuit(): void {
    this.#openedAt ??= performance.now();
    if (this.#probing) return;
    this.#probing = true;
    this.#client
      .ping()
      .then(() => {
        this.#openedAt = undefined;
      })
      .catch(() => undefined)
      .finally(() => {
        this.#probing = false;
      });
  }
}
