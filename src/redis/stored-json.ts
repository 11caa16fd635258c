import type * as z from "zod";
import type { RedisClient } from "./script.ts";

/** Event that `reportMalformed` emits on a client, with the place as its argument. */
export const MALFORMED_EVENT = "sluice:malformed";

/**
 * Reports a stored value that this version cannot read. The reader skips the value and continues; the connection's
 * `onEvent` gets one event per place. `place` is the key, followed by the field or entry id if there is one.
 */
export function reportMalformed(client: RedisClient, place: string): void {
  client.emit(MALFORMED_EVENT, place);
}

/** A JSON value that matches `schema`; undefined if it is absent, or malformed, which is reported. */
export function parseStoredJson<T>(
  { client, place }: { readonly client: RedisClient; readonly place: string },
  text: string | null | undefined,
  schema: z.ZodType<T>,
): T | undefined {
  if (text === null || text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    reportMalformed(client, place);
    return undefined;
  }
}

/** The fields of a stream entry; Redis replies with names and values in turn. */
export function toFieldMap(fields: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  return values;
}

/** Members of a sorted set with their scores, from a reply to a command WITHSCORES. */
export function toScoredMembers(reply: readonly string[]): [member: string, score: number][] {
  return [...toFieldMap(reply.map(String))].map(([member, score]) => [member, Number(score)]);
}

/** A finite number; undefined if the value is absent, empty or not a number. */
export function parseStoredNumber(text: string | null | undefined): number | undefined {
  const value = Number(text);
  return text === null || text === undefined || text === "" || !Number.isFinite(value) ? undefined : value;
}
