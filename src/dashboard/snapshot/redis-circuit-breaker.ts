import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RedisClient } from "#src/redis/script.ts";
import type { ServerHealth } from "./server-health.ts";

/** Longer than any answer of a Redis that is well, shorter than a person waits. */
const COMMAND_TIMEOUT_MS = 4_000;

/**
 * Stands between requests and Redis. Its client waits for ever for a Redis that is away; a page must not. What is asked
 * while Redis is away is refused at once and leaves nothing behind in the client's queue but one PING, whose answer
 * tells that Redis is back.
 */
export class RedisCircuitBreaker {
  readonly #client: RedisClient;
  /** On the clock that only goes forward, so that a jump of the time of day does not change how long it has been. */
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

  /** What `work` gives; throws an HttpError when Redis is away, or does not answer in time. */
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
      // What was under way when the connection broke may end in any way.
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
