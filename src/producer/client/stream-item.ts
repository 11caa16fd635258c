import { createHash } from "node:crypto";
import { readOutcome } from "#src/state/items/item-store.ts";
import { readPartials, selectFollowing } from "#src/state/items/partials.ts";
import { UnknownItemError } from "./client-error.ts";
import { toChatRecord } from "./read-outcome.ts";
import type { StreamOptions } from "./sluice-client.ts";
import { createStreamReducer, type StreamEvent } from "./stream-events.ts";
import type { ItemStoreDeps } from "./wait-for-outcome.ts";
import { createWorkerCheck } from "./worker-check.ts";

/** Stream entries per read. */
const READ_COUNT = 1_000;

/** Yields the events of an item after an id; the last one is `end` or `error`. Throws `UnknownItemError`. */
export async function* streamItem(
  id: string,
  { signal, after = "0-0", onNoWorker }: StreamOptions,
  deps: ItemStoreDeps,
): AsyncGenerator<StreamEvent> {
  const keys = deps.keys.item(id);
  const watch = await deps.watch.watch(id);
  const checkWorkers = createWorkerCheck(id, deps, onNoWorker);
  const reduce = createStreamReducer();
  let position = after;
  let shouldPoll = true;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const pushed = watch.pushed();
      const pushedAfter = shouldPoll || !pushed ? undefined : selectFollowing(position, pushed);
      const partials = pushedAfter ?? (await readPartials(deps.client, keys, position, READ_COUNT));
      for (const partial of partials) {
        position = partial.id;
        const event = reduce(partial);
        if (event) yield event;
        if (event?.type === "end" || event?.type === "error") return;
      }
      if (partials.length === READ_COUNT) continue;
      if (partials.length === 0 && shouldPoll) {
        const ended = await buildFinalEvents(id, position, deps);
        if (ended) {
          yield* ended;
          return;
        }
      }
      shouldPoll = (await watch.next(signal)) === "poll";
      if (shouldPoll) await checkWorkers();
    }
  } finally {
    watch.stop();
  }
}

/**
 * Creates the events of a finished item without partials (it was submitted without `stream`): its text as one delta,
 * and its end. Returns undefined while there are partials to read or to wait for.
 */
async function buildFinalEvents(
  id: string,
  position: string,
  { client, keys }: ItemStoreDeps,
): Promise<StreamEvent[] | undefined> {
  const outcome = await readOutcome(client, keys, id);
  if (outcome === undefined) throw new UnknownItemError(id);
  if (outcome === "waiting") return undefined;
  const late = await readPartials(client, keys.item(id), position, 1);
  if (late.length > 0) return undefined;
  const record = toChatRecord(outcome);
  if (record.status === "failed") return [{ id: position, type: "error", failure: record.failure }];
  const { text, finishReason, usage } = record.response;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return [
    { id: position, type: "delta", text },
    { id: position, type: "end", finishReason, usage, length: text.length, sha256 },
  ];
}
