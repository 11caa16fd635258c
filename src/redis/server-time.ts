import type { RedisClient } from "./script.ts";

/** Redis's clock, epoch ms: all processes share it, whatever the clocks of their machines say. */
export async function readServerTime(client: RedisClient): Promise<number> {
  const [seconds = 0, micros = 0]: readonly (number | string)[] = await client.time();
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/**
 * Redis's clock between two replies, continued by a monotonic clock, so that a jump of this machine's wall clock has no
 * effect.
 */
export class ServerClock {
  readonly #monotonic: () => number;
  #serverMs = 0;
  #recordedAt: number | undefined;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Epoch ms; undefined before the first `record`. */
  now(): number | undefined {
    return this.#recordedAt === undefined
      ? undefined
      : Math.round(this.#serverMs + this.#monotonic() - this.#recordedAt);
  }

  record(serverMs: number): void {
    this.#serverMs = serverMs;
    this.#recordedAt = this.#monotonic();
  }
}
