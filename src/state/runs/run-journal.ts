import * as z from "zod";
import { PROVIDER_ERROR_KINDS, type ProviderErrorKind } from "#src/core/failures/errors.ts";
import { compareByCount, type FailureCause } from "#src/core/failures/failure-cause-counter.ts";
import { formatIndices, indicesInclude, parseIndices } from "#src/core/item-indices.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { parseStoredJson, reportMalformed, toFieldMap } from "#src/redis/stored-json.ts";
import { RUN_TTL_MS } from "./run-ledger.ts";

/** Failed attempts that Redis keeps per run; older ones are trimmed. */
export const JOURNAL_LENGTH = 10_000;
const MESSAGE_LIMIT = 300;
const CODE_LIMIT = 64;
/** Entries read per command. */
const PAGE_SIZE = 1_000;

/** A failed upstream call, reduced to the items of one run. */
export interface FailedAttempt {
  readonly items: readonly number[];
  /** Failed attempts of these items so far, including this one, as counted by the worker. */
  readonly attempt: number;
  readonly kind: ProviderErrorKind;
  /** Written by the provider adapter from codes and numbers; never contains credentials, prompts or upstream bodies. */
  readonly message: string;
  /** The provider's own error code. */
  readonly code?: string;
  /** The provider's own text, redacted. */
  readonly providerMessage?: string;
  readonly durationMs: number;
  readonly worker: string;
  /** "minimax/embo-01" */
  readonly lane?: string;
  /** When the call was reserved and sent, epoch ms on Redis's clock. */
  readonly startedAt?: number;
  /** Further failed attempts of this worker in the same second, which were counted but not recorded. */
  readonly unrecorded?: number;
}

export interface JournalEntry extends FailedAttempt {
  /** Id in the stream; ids increase. */
  readonly id: string;
  /** When the attempt was recorded, at most some seconds after it failed: epoch ms on Redis's clock. */
  readonly at: number;
}

/** Fields of a stream entry have one-letter names, because a run may have 10,000 of them. */
const storedEntry = z.object({
  i: z.string(),
  n: z.coerce.number().int(),
  k: z.enum(PROVIDER_ERROR_KINDS),
  m: z.string(),
  d: z.coerce.number(),
  w: z.string(),
  c: z.string().optional(),
  p: z.string().optional(),
  l: z.string().optional(),
  s: z.coerce.number().optional(),
  u: z.coerce.number().optional(),
});

const storedCause = z.object({
  cause: z.string(),
  kind: z.string(),
  code: z.exactOptional(z.string()),
  pattern: z.string(),
  count: z.int(),
  example: z.object({ item: z.int(), message: z.string(), providerMessage: z.exactOptional(z.string()) }),
});

/** Appends failed attempts of one run to its journal, in the caller's pipeline. */
export function appendJournal(
  pipeline: ReturnType<RedisClient["pipeline"]>,
  key: string,
  attempts: readonly FailedAttempt[],
): void {
  for (const { items, attempt, kind, message, code, ...rest } of attempts) {
    const { providerMessage, durationMs, worker, unrecorded, lane, startedAt } = rest;
    const fields = omitUndefined({
      i: formatIndices(items),
      n: attempt,
      k: kind,
      m: message.slice(0, MESSAGE_LIMIT),
      d: Math.round(durationMs),
      w: worker,
      c: code?.slice(0, CODE_LIMIT),
      p: providerMessage,
      l: lane,
      s: startedAt === undefined ? undefined : Math.round(startedAt),
      u: unrecorded,
    });
    pipeline.xadd(key, "MAXLEN", "~", JOURNAL_LENGTH, "*", ...Object.entries(fields).flat());
  }
  pipeline.pexpire(key, RUN_TTL_MS);
}

/**
 * The newest `limit` failed attempts of an item (of all items, if undefined) that Redis still has, oldest first.
 * Attempts that a worker had not yet written when it was killed (up to a second) and attempts beyond the run's last
 * 10,000 are missing.
 */
export async function readJournal(
  client: RedisClient,
  keys: Keys,
  run: string,
  item: number | undefined,
  limit = 200,
): Promise<JournalEntry[]> {
  const key = keys.run(run).journal;
  const found: JournalEntry[] = [];
  for (let end = "+"; ; ) {
    const count = item === undefined ? Math.min(limit, PAGE_SIZE) : PAGE_SIZE;
    const page = await client.xrevrange(key, end, "-", "COUNT", count);
    for (const [id, fields] of page) {
      const values = toFieldMap(fields);
      if (item !== undefined && !indicesInclude(values.get("i") ?? "", item)) continue;
      const entry = parseEntry(id, values);
      if (entry) found.push(entry);
      else reportMalformed(client, `${key} ${id}`);
      if (found.length >= limit) return found.reverse();
    }
    const oldest = page.at(-1)?.[0];
    if (oldest === undefined || page.length < count) return found.reverse();
    end = `(${oldest}`;
  }
}

/** The failed attempts after the entry `after` ("-": from the first one), oldest first, and the id of the last entry read. */
export async function readJournalAfter(
  client: RedisClient,
  keys: Keys,
  run: string,
  after: string,
  limit: number,
): Promise<{ readonly entries: readonly JournalEntry[]; readonly last: string | undefined }> {
  const start = after === "-" ? "-" : `(${after}`;
  const found = await client.xrange(keys.run(run).journal, start, "+", "COUNT", limit);
  const entries = found.flatMap(([id, fields]) => parseEntry(id, toFieldMap(fields)) ?? []);
  return { entries, last: found.at(-1)?.[0] };
}

function parseEntry(id: string, values: ReadonlyMap<string, string>): JournalEntry | undefined {
  const stored = storedEntry.safeParse(Object.fromEntries(values)).data;
  if (!stored) return undefined;
  return {
    id,
    at: Number(id.split("-")[0]),
    items: parseIndices(stored.i),
    attempt: stored.n,
    kind: stored.k,
    message: stored.m,
    durationMs: stored.d,
    worker: stored.w,
    ...omitUndefined({
      code: stored.c,
      providerMessage: stored.p,
      lane: stored.l,
      startedAt: stored.s,
      unrecorded: stored.u,
    }),
  };
}

/**
 * A run's failed records by cause, most frequent first, as last published by its coordinator: exact for records on
 * disk, which follow committed records by a second or two. Empty when nothing failed or the run's keys have expired.
 */
export async function readFailureCauses(client: RedisClient, keys: Keys, run: string): Promise<FailureCause[]> {
  const key = keys.run(run).causes;
  return Object.entries(await client.hgetall(key))
    .flatMap(([cause, text]) => parseStoredJson({ client, place: `${key} ${cause}` }, text, storedCause) ?? [])
    .sort(compareByCount);
}

/** Publishes causes that changed; `replaceAll` deletes all causes published before. */
export async function publishFailureCauses(
  client: RedisClient,
  keys: Keys,
  run: string,
  causes: readonly FailureCause[],
  { replaceAll = false } = {},
): Promise<void> {
  const key = keys.run(run).causes;
  const transaction = client.multi();
  if (replaceAll) transaction.del(key);
  for (const cause of causes) transaction.hset(key, cause.cause, JSON.stringify(cause));
  transaction.pexpire(key, RUN_TTL_MS);
  await transaction.exec();
}
