import type { RedisClient } from "./script.ts";

/** Redis's clock, epoch ms: the one that everybody shares, whatever the clocks of their machines say. */
export async function readServerTime(client: RedisClient): Promise<number> {
  const [seconds = 0, micros = 0] = (await client.time()) as [number | string, number | string];
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/**
 * Redis's clock between two answers of Redis, carried on by a clock that only goes forward: a jump of this machine's
 * time of day changes nothing.
 */
export class ServerClock {
  readonly #monotonic: () => number;
  #server = 0;
  #at: number | undefined;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Undefined before Redis has told its time for the first time. */
  now(): number | undefined {
    return this.#at === undefined ? undefined : Math.round(this.#server + this.#monotonic() - this.#at);
  }

  record(serverMs: number): void {
    this.#server = serverMs;
    this.#at = this.#monotonic();
  }
}
