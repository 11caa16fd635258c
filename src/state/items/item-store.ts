import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { decodeRecords, type WireRecord } from "#src/state/records/record-codec.ts";

const submitScript = defineScript(new URL("lua/submit-item.lua", import.meta.url), {
  keys: ["state"],
  args: ["ttlMs"],
  parse: (reply) => String(reply),
});

const cancelScript = defineScript(new URL("lua/cancel-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel", "final"],
  parse: (reply) => String(reply),
});

export type ItemState = "queued" | "running" | "done" | "cancelled";

export interface ItemStatus {
  readonly state: ItemState;
  readonly kind: string;
  readonly model: string;
  readonly attempt: number;
  readonly submittedAt: number;
  readonly metadata: unknown;
  /** Until everything about the item is gone. */
  readonly expiresInMs: number;
}

export interface NewItem {
  readonly kind: "chat" | "embedding";
  readonly model: string;
  /** Inputs of the item's job; each gets a record. */
  readonly total: number;
  readonly submittedAt: number;
  readonly metadata?: unknown;
  /** A request too large for the job's payload. */
  readonly request?: string;
}

/** Notes an item before its job is queued. `false`: an item with this id exists already, and nothing was changed. */
export async function registerItem(
  client: RedisClient,
  keys: Keys,
  id: string,
  item: NewItem,
  ttlMs: number,
): Promise<boolean> {
  const { metadata, request, ...fields } = item;
  const pairs = Object.entries(omitUndefined(fields)).flat();
  if (metadata !== undefined) pairs.push("metadata", JSON.stringify(metadata));
  if (request !== undefined) pairs.push("request", request);
  return (await submitScript.run(client, keys.item(id), { ttlMs }, pairs)) === "new";
}

/** A request that was too large for its job. */
export async function readRequest(client: RedisClient, keys: Keys, id: string): Promise<string | undefined> {
  return (await client.hget(keys.item(id).state, "request")) ?? undefined;
}

/** Undefined for an id that never was, or is gone by now. */
export async function readStatus(client: RedisClient, keys: Keys, id: string): Promise<ItemStatus | undefined> {
  const { state } = keys.item(id);
  const [values, expiresInMs] = await Promise.all([
    client.hmget(state, "state", "kind", "model", "attempt", "submittedAt", "metadata"),
    client.pttl(state),
  ]);
  const [now, kind, model, attempt, submittedAt, metadata] = values;
  if (!now) return undefined;
  return {
    state: now as ItemState,
    kind: kind ?? "",
    model: model ?? "",
    attempt: Number(attempt ?? 0),
    submittedAt: Number(submittedAt ?? 0),
    metadata: metadata ? JSON.parse(metadata) : undefined,
    expiresInMs,
  };
}

/** What became of an item: its records, in the order of its inputs; none when it was cancelled before the first. */
export interface ItemOutcome {
  readonly records: readonly WireRecord[];
}

/** `waiting` while the item is not over; undefined for an id that never was, or is gone by now. */
export async function readOutcome(
  client: RedisClient,
  keys: Keys,
  id: string,
): Promise<ItemOutcome | "waiting" | undefined> {
  const { state } = keys.item(id);
  // Most items have one frame; it comes in the same reply.
  const [now, count, first] = await client.hmgetBuffer(state, "state", "frames", "f0");
  if (!now) return undefined;
  const value = now.toString();
  if (value !== "done" && value !== "cancelled") return "waiting";
  const frames = first ? [first] : [];
  const others = Array.from({ length: Math.max(0, Number(count ?? 0) - 1) }, (_, n) => `f${n + 1}`);
  if (others.length > 0) {
    for (const frame of await client.hmgetBuffer(state, ...others)) if (frame) frames.push(frame);
  }
  const records = frames.flatMap((frame) => decodeRecords(frame).records);
  return { records: records.sort((a, b) => a.index - b.index) };
}

/** Resolves with the state the item was in; a finished one stays finished. Undefined for an unknown id. */
export async function cancelItem(client: RedisClient, keys: Keys, id: string): Promise<ItemState | undefined> {
  const { channel, ...rest } = keys.item(id);
  const final = JSON.stringify({ failure: { kind: "cancelled", message: "the item was cancelled" } });
  const state = await cancelScript.run(client, rest, { channel, final });
  return state === "gone" ? undefined : (state as ItemState);
}
