import type { Clock } from "#src/core/clock.ts";
import type { RedisClient } from "#src/redis/script.ts";

const REDIS_CHECK_MS = 250;
/** BullMQ may never close after its connection to a lost Cluster node was reset. Counted from the end of the last call. */
const CLOSE_TIMEOUT_MS = 10_000;
/** Closing continues after the end of the grace period for at most this time. */
const MAX_OVERTIME_MS = 5_000;

/** Resolves with false if Redis is unavailable at the end of the grace period, or if closing hangs; see `WorkerHost.stop`. */
export async function closeOrGiveUp(
  close: (onCallsEnded: () => void) => Promise<void>,
  client: RedisClient,
  clock: Clock,
  graceMs: number,
): Promise<boolean> {
  const closed = new AbortController();
  const callsEnded = Promise.withResolvers<void>();
  const lost = waitUntilRedisIsLost(callsEnded.promise, client, clock, graceMs, closed.signal);
  const closing = close(callsEnded.resolve).then(() => true);
  return await Promise.race([closing, lost]).finally(() => closed.abort());
}

/**
 * Resolves with false if Redis is unavailable when the grace period has ended, or, if Redis is available, 10 s after the calls
 * in flight have ended, but at most 5 s after the grace period: closing hangs then.
 */
async function waitUntilRedisIsLost(
  callsEnded: Promise<void>,
  client: RedisClient,
  clock: Clock,
  graceMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const graceEnd = clock.monotonic() + graceMs;
  await Promise.race([callsEnded, clock.sleep(graceMs, signal)]);
  let deadline = clock.monotonic() + CLOSE_TIMEOUT_MS;
  const isInTime = () =>
    clock.monotonic() < (client.status === "ready" ? Math.min(deadline, graceEnd + MAX_OVERTIME_MS) : graceEnd);
  while (isInTime()) {
    await clock.sleep(REDIS_CHECK_MS, signal);
    if (client.status !== "ready") deadline = clock.monotonic() + CLOSE_TIMEOUT_MS;
  }
  return false;
}
