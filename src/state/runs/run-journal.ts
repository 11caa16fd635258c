import type { ProviderErrorKind } from "#src/core/errors.ts";
import { compareByCount, type FailureCause } from "#src/core/failure-cause-counter.ts";
import { formatIndices, indicesInclude, parseIndices } from "#src/core/item-indices.ts";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { RUN_TTL_MS } from "./run-ledger.ts";

/** Failed attempts that Redis keeps per run; older ones are forgotten. */
export const JOURNAL_LENGTH = 10_000;
const MESSAGE_LIMIT = 300;
/** Entries read at a time. */
const PAGE = 1_000;

/** A failed upstream call, as far as it concerns items of one run. */
export interface FailedAttempt {
  readonly items: readonly number[];
  /** Failed attempts of these items so far, this one included, as the worker counts them. */
  readonly attempt: number;
  readonly kind: ProviderErrorKind;
  /** Written by the adapter from codes and figures; holds no credential, prompt or upstream body. */
  readonly message: string;
  /** The provider's own code. */
  readonly code?: string;
  readonly durationMs: number;
  readonly worker: string;
  /** "minimax/embo-01" */
  readonly lane?: string;
  /** When its reservation was granted, epoch ms on Redis's clock: it was sent at once. */
  readonly startedAt?: number;
  /** Further failed attempts that this worker had within the same second and did not note. */
  readonly unrecorded?: number;
}

export interface JournalEntry extends FailedAttempt {
  /** Id in the stream; later entries have larger ones. */
  readonly id: string;
  /** When it was noted, at most some seconds after it failed: epoch ms on Redis's clock. */
  readonly at: number;
}

/** Notes failed attempts of one run, in one pipeline of the caller's. */
export function appendJournal(
  pipeline: ReturnType<RedisClient["pipeline"]>,
  key: string,
  attempts: readonly FailedAttempt[],
): void {
  for (const one of attempts) {
    const { items, attempt, kind, message, code, durationMs, worker, unrecorded, lane, startedAt } = one;
    const optional = [
      ...(lane === undefined ? [] : ["l", lane]),
      ...(startedAt === undefined ? [] : ["s", Math.round(startedAt)]),
      ...(code === undefined ? [] : ["c", code.slice(0, 64)]),
      ...(unrecorded === undefined ? [] : ["u", unrecorded]),
    ];
    pipeline.xadd(
      key,
      "MAXLEN",
      "~",
      JOURNAL_LENGTH,
      "*",
      ...["i", formatIndices(items), "n", attempt, "k", kind, "m", message.slice(0, MESSAGE_LIMIT)],
      ...["d", Math.round(durationMs), "w", worker, ...optional],
    );
  }
  pipeline.pexpire(key, RUN_TTL_MS);
}

/**
 * The failed attempts of an item (of all items, when undefined) that Redis still knows, oldest first, `limit` of the
 * newest at most. It may lack what a worker noted in the second before it was killed, and what is older than the last
 * 10,000 of the run.
 */
export async function readJournal(
  client: RedisClient,
  keys: Keys,
  run: string,
  item: number | undefined,
  limit = 200,
): Promise<JournalEntry[]> {
  const found: JournalEntry[] = [];
  for (let end = "+"; ; ) {
    const count = item === undefined ? Math.min(limit, PAGE) : PAGE;
    const page = await client.xrevrange(keys.run(run).journal, end, "-", "COUNT", count);
    for (const [id, fields] of page) {
      const values = fieldMap(fields);
      if (item !== undefined && !indicesInclude(values.get("i") ?? "", item)) continue;
      found.push(parseEntry(id, values));
      if (found.length >= limit) return found.reverse();
    }
    const oldest = page.at(-1)?.[0];
    if (oldest === undefined || page.length < count) return found.reverse();
    end = `(${oldest}`;
  }
}

/**
 * A run's failed records by cause, the largest first, as its coordinator last counted them: exact for what is on disk,
 * which lags what is committed by a second or two. Empty when nothing failed, or when Redis has forgotten the run.
 */
export async function readFailureCauses(client: RedisClient, keys: Keys, run: string): Promise<FailureCause[]> {
  const hash = await client.hgetall(keys.run(run).causes);
  return Object.values(hash)
    .map((text) => JSON.parse(text) as FailureCause)
    .sort(compareByCount);
}

/** Publishes clusters that changed; with `fresh`, nothing that was published before stays. */
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

function parseEntry(id: string, values: ReadonlyMap<string, string>): JournalEntry {
  const code = values.get("c");
  const unrecorded = values.get("u");
  const lane = values.get("l");
  const startedAt = values.get("s");
  return {
    id,
    at: Number(id.split("-")[0]),
    items: parseIndices(values.get("i") ?? ""),
    attempt: Number(values.get("n") ?? 0),
    kind: (values.get("k") ?? "server") as ProviderErrorKind,
    message: values.get("m") ?? "",
    code,
    lane,
    startedAt: startedAt === undefined ? undefined : Number(startedAt),
    durationMs: Number(values.get("d") ?? 0),
    worker: values.get("w") ?? "",
    unrecorded: unrecorded === undefined ? undefined : Number(unrecorded),
  };
}

function fieldMap(fields: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  return values;
}
