import { gather } from "../../queue/gather.ts";
import { parseTold, type ToldPartial } from "../../queue/partials.ts";
import type { Keys } from "../../redis/keys.ts";
import type { RedisClient } from "../../redis/script.ts";

/** How often a waiter looks by itself: a message on a channel is a hint that may be lost with a connection. */
const LOOK_AGAIN_MS = 5_000;
/** After a connection is back: what was published before the channels are heard again is looked for as well. */
const SETTLE_MS = 500;
/** Channels that nobody waits for any more are left together, some at a time. */
const LEAVE_AFTER_MS = 50;

/** Deltas kept for a reader that is busy; one that is slower than that reads them from Redis. */
const MOST_TOLD = 1_000;

/** Why a waiter wakes: deltas may have come, the item may be over, or it is time to look by itself. */
export type Hint = "partial" | "look";

export interface Watch {
  /** Resolves at the next hint, or after a while. A hint that came since the last call counts. */
  next(signal?: AbortSignal): Promise<Hint>;
  /** The deltas that hints brought since the last call; undefined when some came without. */
  told(): readonly ToldPartial[] | undefined;
  stop(): void;
}

/**
 * Wakes whoever waits for an item, over one connection for all of them. A hint about a delta may bring it along, for
 * readers that have all before it; else what a waiter finds when it wakes is read from Redis.
 */
export class ItemWatch {
  readonly #subscriber: RedisClient;
  readonly #keys: Keys;
  readonly #waiters = new Map<string, Set<(hint: Hint, told?: ToldPartial) => void>>();
  /** Channels that are heard, or will be when the promise resolves. */
  readonly #heard = new Map<string, Promise<void>>();
  readonly #subscribe = gather(async (channels: readonly string[]) => {
    await this.#subscriber.subscribe(...channels);
    return channels.map(() => undefined);
  }, 1_000);
  #leaving: NodeJS.Timeout | undefined;

  constructor(subscriber: RedisClient, keys: Keys) {
    this.#subscriber = subscriber;
    this.#keys = keys;
    subscriber.on("message", (channel: string, message: string) => {
      const told = parseTold(message);
      this.#wake(channel, told || message === "partial" ? "partial" : "look", told);
    });
    subscriber.on("ready", () => {
      this.#wakeAll();
      setTimeout(() => this.#wakeAll(), SETTLE_MS).unref();
    });
  }

  /** Starts listening; resolves when nothing that is published from now on will be missed. */
  async watch(id: string): Promise<Watch> {
    const { channel } = this.#keys.item(id);
    let hinted: Hint | undefined;
    let resolve: (() => void) | undefined;
    let told: ToldPartial[] | undefined = [];
    const wake = (hint: Hint, one?: ToldPartial) => {
      if (hinted !== "look") hinted = hint;
      if (one && told && told.length < MOST_TOLD) told.push(one);
      else told = undefined;
      resolve?.();
    };
    const waiters = this.#waiters.get(channel) ?? new Set();
    waiters.add(wake);
    this.#waiters.set(channel, waiters);
    let heard = this.#heard.get(channel);
    if (!heard) {
      heard = this.#subscribe(channel);
      this.#heard.set(channel, heard);
    }
    const stop = () => {
      waiters.delete(wake);
      if (waiters.size > 0 || this.#waiters.get(channel) !== waiters) return;
      this.#waiters.delete(channel);
      this.#leaving ??= setTimeout(() => this.#leave(), LEAVE_AFTER_MS).unref();
    };
    await heard.catch((error) => {
      // The next one who waits asks for the channel anew.
      this.#heard.delete(channel);
      stop();
      throw error;
    });
    return {
      next: async (signal) => {
        signal?.throwIfAborted();
        if (!hinted) {
          await waitFor(signal, (done) => {
            resolve = done;
          }).finally(() => {
            resolve = undefined;
          });
        }
        const hint = hinted ?? "look";
        hinted = undefined;
        return hint;
      },
      told: () => {
        const taken = told;
        told = [];
        return taken;
      },
      stop,
    };
  }

  #leave(): void {
    this.#leaving = undefined;
    const left = [...this.#heard.keys()].filter((channel) => !this.#waiters.has(channel));
    for (const channel of left) this.#heard.delete(channel);
    if (left.length > 0) this.#subscriber.unsubscribe(...left).catch(() => undefined);
  }

  #wakeAll(): void {
    for (const channel of this.#waiters.keys()) this.#wake(channel, "look");
  }

  #wake(channel: string, hint: Hint, told?: ToldPartial): void {
    for (const wake of this.#waiters.get(channel) ?? []) wake(hint, told);
  }
}

/** Resolves when the function given to `arm` is called, or after a while; rejects when the signal aborts. */
function waitFor(signal: AbortSignal | undefined, arm: (done: () => void) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    const abort = () => {
      end();
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      end();
      resolve();
    }, LOOK_AGAIN_MS);
    signal?.addEventListener("abort", abort, { once: true });
    arm(() => {
      end();
      resolve();
    });
  });
}
