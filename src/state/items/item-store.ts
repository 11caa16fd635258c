import * as z from "zod";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { parseStoredJson, parseStoredNumber, reportMalformed } from "#src/redis/stored-json.ts";
import { decodeRecords, type WireRecord } from "#src/state/record-format/record-codec.ts";

const itemState = z.enum(["queued", "running", "done", "cancelled"]);
export type ItemState = z.infer<typeof itemState>;

const submitScript = defineScript(new URL("lua/submit-item.lua", import.meta.url), {
  keys: ["state"],
  args: ["ttlMs", "digest"],
  parse: (reply) => String(reply),
});

const cancelScript = defineScript(new URL("lua/cancel-item.lua", import.meta.url), {
  keys: ["state", "partials"],
  args: ["channel", "final"],
  parse: (reply) => (reply === "gone" ? undefined : itemState.parse(reply)),
});

export interface ItemStatus {
  readonly state: ItemState;
  readonly kind: string;
  readonly model: string;
  readonly attempt: number;
  readonly submittedAt: number;
  readonly metadata: unknown;
  /** Time until Redis deletes the item. */
  readonly expiresInMs: number;
}

export interface NewItem {
  readonly kind: "chat" | "embedding" | "rerank";
  readonly model: string;
  /** Number of inputs of the item's job; each gets a record. */
  readonly total: number;
  readonly submittedAt: number;
  readonly metadata?: unknown;
  /** The request, if it is too large for the job's payload. */
  readonly request?: string;
  /** Hash of its request, if its id comes from an idempotency key. */
  readonly digest?: string;
}

/**
 * Registers an item before its job is queued. `known`: an item with this id exists, and nothing was changed; `other`: it has
 * another request.
 */
export async function registerItem(
  client: RedisClient,
  keys: Keys,
  id: string,
  item: NewItem,
  ttlMs: number,
): Promise<"new" | "known" | "other"> {
  const { metadata, request, digest = "", ...fields } = item;
  const pairs = Object.entries(omitUndefined(fields)).flat();
  if (metadata !== undefined) pairs.push("metadata", JSON.stringify(metadata));
  if (request !== undefined) pairs.push("request", request);
  const reply = await submitScript.run(client, keys.item(id), { ttlMs, digest }, pairs);
  return reply === "new" || reply === "other" ? reply : "known";
}

/** The request of an item, if it was too large for its job. */
export async function readRequest(client: RedisClient, keys: Keys, id: string): Promise<string | undefined> {
  return (await client.hget(keys.item(id).state, "request")) ?? undefined;
}

/** Undefined for an unknown or expired id. */
export async function readStatus(client: RedisClient, keys: Keys, id: string): Promise<ItemStatus | undefined> {
  const { state } = keys.item(id);
  const [values, expiresInMs] = await Promise.all([
    client.hmget(state, "state", "kind", "model", "attempt", "submittedAt", "metadata"),
    client.pttl(state),
  ]);
  const [stored, kind, model, attempt, submittedAt, metadata] = values;
  if (!stored) return undefined;
  const current = itemState.safeParse(stored).data;
  if (!current) {
    reportMalformed(client, `${state} state`);
    return undefined;
  }
  return {
    state: current,
    kind: kind ?? "",
    model: model ?? "",
    attempt: parseStoredNumber(attempt) ?? 0,
    submittedAt: parseStoredNumber(submittedAt) ?? 0,
    metadata: parseStoredJson({ client, place: `${state} metadata` }, metadata, z.unknown()),
    expiresInMs,
  };
}

/** The records of a finished item, in the order of its inputs; empty if it was cancelled before its first record. */
export interface ItemOutcome {
  readonly records: readonly WireRecord[];
}

/** `waiting` until the item is done or cancelled; undefined for an unknown or expired id. */
export async function readOutcome(
  client: RedisClient,
  keys: Keys,
  id: string,
): Promise<ItemOutcome | "waiting" | undefined> {
  const { state } = keys.item(id);
  // Most items have one frame, so it is read in the same round trip.
  const [stored, count, first] = await client.hmgetBuffer(state, "state", "frames", "f0");
  if (!stored) return undefined;
  const current = stored.toString();
  if (current !== "done" && current !== "cancelled") return "waiting";
  const frames = first ? [first] : [];
  const others = Array.from({ length: Math.max(0, Number(count ?? 0) - 1) }, (_, n) => `f${n + 1}`);
  if (others.length > 0) {
    for (const frame of await client.hmgetBuffer(state, ...others)) if (frame) frames.push(frame);
  }
  const records = frames.flatMap((frame) => decodeRecords(frame).records);
  return { records: records.sort((a, b) => a.index - b.index) };
}

/** Cancels an item unless it has ended. Resolves with its state before; undefined for an unknown id. */
export async function cancelItem(client: RedisClient, keys: Keys, id: string): Promise<ItemState | undefined> {
  const { channel, ...rest } = keys.item(id);
  const final = JSON.stringify({ failure: { kind: "cancelled", message: "the item was cancelled" } });
  return await cancelScript.run(client, rest, { channel, final });
}
