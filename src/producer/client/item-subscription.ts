import { batchPerTick } from "#src/redis/batch-per-tick.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { type PushedPartial, parsePushedPartial } from "#src/state/items/partials.ts";

/** Interval of polling by a waiter: messages on a channel may be lost with a connection. */
const POLL_INTERVAL_MS = 5_000;
/** Delay of a second poll after a reconnect, for messages published before the channels are subscribed again. */
const RESUBSCRIBE_GRACE_MS = 500;
/** Channels without waiters are unsubscribed together after this time. */
const UNSUBSCRIBE_DELAY_MS = 50;

/** Deltas that are buffered for a busy reader; a slower reader reads them from Redis. */
const MAX_PUSHED = 1_000;

/** Why a waiter wakes: new deltas ("partial"), or the item may be finished ("poll"). */
export type WakeReason = "partial" | "poll";

export interface ItemWaiter {
  /** Resolves at the next message or poll; immediately if there was a message since the last call. */
  next(signal?: AbortSignal): Promise<WakeReason>;
  /** Returns the deltas in messages since the last call; undefined if a message had none. */
  pushed(): readonly PushedPartial[] | undefined;
  stop(): void;
}

/**
 * Wakes the waiters of items, over one connection for all of them. A message may contain a delta, for readers that have
 * all deltas before it; otherwise the waiter reads from Redis.
 */
export class ItemSubscription {
  readonly #subscriber: RedisClient;
  readonly #keys: Keys;
  readonly #waiters = new Map<string, Set<(wakeReason: WakeReason, pushed?: PushedPartial) => void>>();
  /** Channels that are subscribed when the promise resolves. */
  readonly #subscribed = new Map<string, Promise<void>>();
  readonly #subscribe = batchPerTick(async (channels: readonly string[]) => {
    await this.#subscriber.subscribe(...channels);
    return channels.map(() => undefined);
  }, 1_000);
  #unsubscribeTimer: NodeJS.Timeout | undefined;

  constructor(subscriber: RedisClient, keys: Keys) {
    this.#subscriber = subscriber;
    this.#keys = keys;
    subscriber.on("message", (channel: string, message: string) => {
      const pushed = parsePushedPartial(message);
      this.#wake(channel, pushed || message === "partial" ? "partial" : "poll", pushed);
    });
    subscriber.on("ready", () => {
      this.#wakeAll();
      setTimeout(() => this.#wakeAll(), RESUBSCRIBE_GRACE_MS).unref();
    });
  }

  /** Subscribes to an item; resolves when no later message can be missed. */
  async watch(id: string): Promise<ItemWaiter> {
    const { channel } = this.#keys.item(id);
    let pendingReason: WakeReason | undefined;
    let resolve: (() => void) | undefined;
    let pushed: PushedPartial[] | undefined = [];
    const wake = (wakeReason: WakeReason, one?: PushedPartial) => {
      if (pendingReason !== "poll") pendingReason = wakeReason;
      if (one && pushed && pushed.length < MAX_PUSHED) pushed.push(one);
      else pushed = undefined;
      resolve?.();
    };
    const waiters = this.#waiters.get(channel) ?? new Set();
    waiters.add(wake);
    this.#waiters.set(channel, waiters);
    let subscribed = this.#subscribed.get(channel);
    if (!subscribed) {
      subscribed = this.#subscribe(channel);
      this.#subscribed.set(channel, subscribed);
    }
    const stop = () => {
      waiters.delete(wake);
      if (waiters.size > 0 || this.#waiters.get(channel) !== waiters) return;
      this.#waiters.delete(channel);
      this.#unsubscribeTimer ??= setTimeout(() => this.#unsubscribeIdle(), UNSUBSCRIBE_DELAY_MS).unref();
    };
    await subscribed.catch((error) => {
      // The next waiter subscribes to the channel again.
      this.#subscribed.delete(channel);
      stop();
      throw error;
    });
    return {
      next: async (signal) => {
        signal?.throwIfAborted();
        if (!pendingReason) {
          await waitFor(signal, (done) => {
            resolve = done;
          }).finally(() => {
            resolve = undefined;
          });
        }
        const wakeReason = pendingReason ?? "poll";
        pendingReason = undefined;
        return wakeReason;
      },
      pushed: () => {
        const taken = pushed;
        pushed = [];
        return taken;
      },
      stop,
    };
  }

  #unsubscribeIdle(): void {
    this.#unsubscribeTimer = undefined;
    const idleChannels = [...this.#subscribed.keys()].filter((channel) => !this.#waiters.has(channel));
    for (const channel of idleChannels) this.#subscribed.delete(channel);
    if (idleChannels.length > 0) this.#subscriber.unsubscribe(...idleChannels).catch(() => undefined);
  }

  #wakeAll(): void {
    for (const channel of this.#waiters.keys()) this.#wake(channel, "poll");
  }

  #wake(channel: string, wakeReason: WakeReason, pushed?: PushedPartial): void {
    for (const wake of this.#waiters.get(channel) ?? []) wake(wakeReason, pushed);
  }
}

/** Resolves when the function passed to `register` is called, or at the next poll; rejects when the signal aborts. */
function waitFor(signal: AbortSignal | undefined, register: (done: () => void) => void): Promise<void> {
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
    }, POLL_INTERVAL_MS);
    signal?.addEventListener("abort", abort, { once: true });
    register(() => {
      end();
      resolve();
    });
  });
}
