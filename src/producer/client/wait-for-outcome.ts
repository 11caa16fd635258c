import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { type ItemOutcome, readOutcome } from "#src/state/items/item-store.ts";
import { ResultTimeoutError, UnknownItemError } from "./client-error.ts";
import type { ItemSubscription } from "./item-subscription.ts";
import type { WaitOptions } from "./sluice-client.ts";
import { createWorkerCheck, describeMissingWorker } from "./worker-check.ts";

export interface ItemStoreDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly watch: ItemSubscription;
}

/**
 * Waits for the outcome of an item. Throws `UnknownItemError` for an unknown id (also if it expires meanwhile), and
 * `ResultTimeoutError` after the timeout.
 */
export async function waitForOutcome(
  id: string,
  { signal, timeoutMs, onNoWorker }: WaitOptions,
  { client, keys, watch: itemSubscription }: ItemStoreDeps,
): Promise<ItemOutcome> {
  const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const either = [signal, deadline].filter((one) => one !== undefined);
  const stop = either.length > 1 ? AbortSignal.any(either) : either[0];
  const watch = await itemSubscription.watch(id);
  const checkWorkers = createWorkerCheck(id, { client, keys }, onNoWorker);
  try {
    for (let isFirst = true; ; isFirst = false) {
      const outcome = await readOutcome(client, keys, id);
      if (outcome === undefined) throw new UnknownItemError(id);
      if (outcome !== "waiting") return outcome;
      // After the read: most waits end with the record, and should not wait for this as well.
      if (!isFirst) await checkWorkers();
      while ((await watch.next(stop)) === "partial");
    }
  } catch (error) {
    if (deadline?.aborted && !signal?.aborted) {
      const reason = await describeMissingWorker(id, { client, keys }).catch(() => undefined);
      throw new ResultTimeoutError(id, timeoutMs ?? 0, reason);
    }
    throw error;
  } finally {
    watch.stop();
  }
}
