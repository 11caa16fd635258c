import type { Clock } from "#src/core/clock.ts";

export interface FakeClock extends Clock {
  /** Advances the time and wakes all sleepers that are due, in order; each runs before the next one wakes. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock, forwards or backwards; the monotonic clock and sleepers are not affected. */
  set(epochMs: number): void;
  /** When the next sleeper wakes (epoch ms); undefined if there is none. */
  readonly nextWake: number | undefined;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export function createFakeClock(start = 1_800_000_000_000): FakeClock {
  let time = 0;
  let epoch = start;
  const sleepers = new Set<Sleeper>();
  const next = () => [...sleepers].sort((a, b) => a.at - b.at)[0];
  return {
    now: () => epoch + time,
    monotonic: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper: Sleeper = { at: time + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          if (sleepers.delete(sleeper)) reject(signal.reason);
        });
      }),
    async advance(ms) {
      const until = time + ms;
      await flushPromises();
      for (let due = next(); due && due.at <= until; due = next()) {
        time = Math.max(time, due.at);
        sleepers.delete(due);
        due.wake();
        await flushPromises();
      }
      time = until;
    },
    set(epochMs) {
      epoch = epochMs - time;
    },
    get nextWake() {
      const at = next()?.at;
      return at === undefined ? undefined : epoch + at;
    },
  };
}

/** Resolves when all pending microtasks have run. */
export function flushPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
