import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";

/** How often a waiter looks by itself: a message on a channel is a hint that may be lost with a connection. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Wakes whoever waits for an item, over one connection for all of them. What a waiter finds when it wakes is read
 * from Redis; a wake-up says nothing but "look again".
 */
export class ItemWatch {
  readonly #subscriber: RedisClient;
  readonly #keys: Keys;
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(subscriber: RedisClient, keys: Keys) {
    this.#subscriber = subscriber;
    this.#keys = keys;
    subscriber.on("message", (channel: string) => this.#wake(channel));
    // After a lost connection, whatever was published meanwhile was not heard.
    subscriber.on("ready", () => {
      for (const channel of this.#waiters.keys()) this.#wake(channel);
    });
  }

  /** Starts listening; `next` resolves at the next hint, or after a while. Call `stop` when done. */
  async watch(id: string): Promise<{ next(signal?: AbortSignal): Promise<void>; stop(): Promise<void> }> {
    const { channel } = this.#keys.item(id);
    let hinted = false;
    let resolve: (() => void) | undefined;
    const wake = () => {
      hinted = true;
      resolve?.();
    };
    const waiters = this.#waiters.get(channel) ?? new Set();
    waiters.add(wake);
    this.#waiters.set(channel, waiters);
    if (waiters.size === 1) await this.#subscriber.subscribe(channel);
    return {
      next: async (signal) => {
        signal?.throwIfAborted();
        if (!hinted) {
          await new Promise<void>((done, reject) => {
            const timer = setTimeout(done, LOOK_AGAIN_MS);
            const abort = () => reject(signal?.reason);
            signal?.addEventListener("abort", abort, { once: true });
            resolve = () => {
              clearTimeout(timer);
              signal?.removeEventListener("abort", abort);
              done();
            };
          });
        }
        resolve = undefined;
        hinted = false;
      },
      stop: async () => {
        waiters.delete(wake);
        if (waiters.size > 0 || this.#waiters.get(channel) !== waiters) return;
        this.#waiters.delete(channel);
        await this.#subscriber.unsubscribe(channel);
      },
    };
  }

  #wake(channel: string): void {
    for (const wake of this.#waiters.get(channel) ?? []) wake();
  }
}
