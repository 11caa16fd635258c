import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/sampling/redis-circuit-breaker.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readStatus } from "#src/state/items/item-store.ts";
import { type PartialEntry, readPartials } from "#src/state/items/partials.ts";
import type { LiveChatEvent } from "./chat-api.ts";

export interface FollowDeps {
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly breaker: RedisCircuitBreaker;
}

/** Short enough for text to flow, long enough for a hundred followers. */
const POLL_INTERVAL_MS = 150;
const UNAVAILABLE_RETRY_MS = 1_000;

/** The parts of an item's end that are shown; a part of another form counts as absent. */
const endPayload = z.object({
  finishReason: z.object({ unified: z.string().optional() }).optional().catch(undefined),
  failure: z
    .object({
      kind: z.string(),
      code: z.string().optional(),
      message: z.string(),
      providerMessage: z.string().optional(),
      param: z.string().optional(),
    })
    .optional()
    .catch(undefined),
});

/** Throws an HttpError unless Redis knows the item as a chat. */
export async function requireChat(item: string, { client, keys, breaker }: FollowDeps): Promise<void> {
  const status = await breaker.run(() => readStatus(client, keys, item));
  if (status?.kind !== "chat") {
    throw new HttpError(ERRORS.unknownChat);
  }
}

/** All partials of an item from the first one on, until it has ended or `signal` aborts. */
export async function* followChat(
  item: string,
  { client, keys, breaker }: FollowDeps,
  signal: AbortSignal,
): AsyncGenerator<LiveChatEvent> {
  let after = "0-0";
  let attempt = 0;
  while (!signal.aborted) {
    let partials: readonly PartialEntry[] = [];
    try {
      partials = await breaker.run(() => readPartials(client, keys.item(item), after));
    } catch {
      // Redis is unavailable. Partials that are written in the meantime are read when it is back.
      await sleep(UNAVAILABLE_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
    for (const partial of partials) {
      after = partial.id;
      // A stale attempt may still have written deltas after the reset; skip them.
      if (partial.type !== "end" && partial.attempt < attempt) continue;
      if (partial.type !== "end") attempt = partial.attempt;
      const event = toEvent(item, partial);
      if (event) yield event;
      if (partial.type === "end") return;
    }
    if (partials.length === 0) await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Undefined for signatures of the reasoning, which are not for people. */
function toEvent(item: string, partial: PartialEntry): LiveChatEvent | undefined {
  if (partial.type === "reset") return { item, type: "reset", attempt: partial.attempt };
  if (partial.type !== "end") {
    const { type, attempt, delta } = partial;
    return type === "details" ? undefined : { item, type, attempt, delta };
  }
  const { finishReason, failure } = endPayload.safeParse(partial.final).data ?? {};
  return { item, type: "end", finishReason: finishReason?.unified, failure };
}
