import type { RedisClient } from "../../redis/script.ts";
import type { ServerHealth } from "../contract.ts";
import { HttpError } from "../http-error.ts";

/** Longer than any answer of a Redis that is well, shorter than a person waits. */
const PATIENCE_MS = 4_000;

/**
 * Stands between requests and Redis. Its client waits for ever for a Redis that is away; a page must not. What is asked
 * while Redis is away is refused at once and leaves nothing behind in the client's queue but one PING, whose answer
 * tells that Redis is back.
 */
export class RedisGate {
  readonly #client: RedisClient;
  /** On the clock that only goes forward, so that a jump of the time of day does not change how long it has been. */
  #awayAt: number | undefined;
  #probing = false;

  constructor(client: RedisClient) {
    this.#client = client;
    client.on("close", () => this.#noteAway());
  }

  health(): ServerHealth {
    const at = Date.now();
    if (this.#awayAt === undefined) return { at, redis: { state: "ok" } };
    const since = Math.round(at - (performance.now() - this.#awayAt));
    return { at, redis: { state: "away", since } };
  }

  get isAway(): boolean {
    return this.#awayAt !== undefined;
  }

  /** What `work` gives; throws an HttpError when Redis is away, or does not answer in time. */
  async ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.#awayAt !== undefined) throw this.#refusal();
    const asked = work();
    const patience = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#noteAway();
      patience.reject(this.#refusal());
    }, PATIENCE_MS);
    try {
      return await Promise.race([asked, patience.promise]);
    } catch (error) {
      asked.catch(() => undefined);
      // What was under way when the connection broke may end in any way.
      if (this.isAway && !(error instanceof HttpError)) throw this.#refusal();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #refusal(): HttpError {
    return new HttpError("redis-away", "Redis does not answer.", {
      hint: "Nothing is lost: runs go on by themselves when it is back, and so does this page.",
    });
  }

  #noteAway(): void {
    this.#awayAt ??= performance.now();
    if (this.#probing) return;
    this.#probing = true;
    this.#client
      .ping()
      .then(() => {
        this.#awayAt = undefined;
      })
      .catch(() => undefined)
      .finally(() => {
        this.#probing = false;
      });
  }
}
