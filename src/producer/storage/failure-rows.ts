import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import * as z from "zod";
import type { FailureKind } from "#src/core/item.ts";
import { runInTransaction } from "./run-database.ts";

/** Failed items with the same cause. */
export interface FailureGroup {
  readonly kind: FailureKind;
  readonly code: string | undefined;
  readonly count: number;
  /** The first of these items, and its messages. */
  readonly index: number;
  readonly message: string;
  readonly providerMessage: string | undefined;
}

const groupRow = z.object({
  kind: z.custom<FailureKind>((value) => typeof value === "string"),
  code: z.string().nullable(),
  count: z.int(),
  index: z.int(),
  message: z.string(),
  provider_message: z.string().nullable(),
});

export function listFailureGroups(database: DatabaseSync): FailureGroup[] {
  // SQLite takes columns that are not aggregated from the row with the minimum.
  const query = database.prepare(`
    SELECT kind, code, count(*) AS count, min("index") AS "index", message, provider_message
    FROM records WHERE status = 'failed' GROUP BY kind, cause`);
  return query.all().map((row) => {
    const { provider_message: providerMessage, code, ...group } = groupRow.parse(row);
    return { ...group, code: code ?? undefined, providerMessage: providerMessage ?? undefined };
  });
}

/** The least number of estimated tokens of an item that was too long for the model; undefined if there is none. */
export function findShortestTooLong(database: DatabaseSync): number | undefined {
  const query = database.prepare(`
    SELECT min(i.tokens) AS tokens FROM records r JOIN items i ON i."index" = r."index"
    WHERE r.status = 'failed' AND r.kind = 'too-long'`);
  const tokens = query.get()?.tokens;
  return typeof tokens === "number" ? tokens : undefined;
}

export interface ResetRecords {
  /** Number of items whose record was removed. */
  readonly count: number;
  /** Failures that were kept, by kind. */
  readonly kept: Readonly<Record<string, number>>;
}

/** Records per transaction, so that a run of millions of items keeps its lease meanwhile. */
const RECORDS_PER_RESET = 5_000;

/**
 * Durably removes the records of these items from a store that is not open, so that they are processed again when it is
 * opened. May be killed at any time and repeated; repeating it keeps the items of the first time.
 */
export async function resetRecords(database: DatabaseSync, indices: readonly number[]): Promise<ResetRecords> {
  database.exec(`DELETE FROM reset_items WHERE "index" IN (SELECT "index" FROM records)`);
  const insert = database.prepare("INSERT OR IGNORE INTO reset_items SELECT value FROM json_each(?)");
  const remove = database.prepare(`DELETE FROM records WHERE "index" IN (SELECT value FROM json_each(?))`);
  for (let at = 0; at < indices.length; at += RECORDS_PER_RESET) {
    const selected = JSON.stringify(indices.slice(at, at + RECORDS_PER_RESET));
    runInTransaction(database, () => {
      insert.run(selected);
      remove.run(selected);
    });
    await setImmediate();
  }
  const kept = database.prepare(`SELECT kind, count(*) AS count FROM records WHERE status = 'failed' GROUP BY kind`);
  return {
    count: countRows(database, "SELECT count(*) AS count FROM reset_items"),
    kept: Object.fromEntries(kept.all().map((row) => [String(row.kind), Number(row.count)])),
  };
}

/** Counts the items of the last reset that have failed again. */
export function countFailedResets(database: DatabaseSync): number {
  return countRows(
    database,
    `SELECT count(*) AS count FROM reset_items JOIN records USING ("index") WHERE status = 'failed'`,
  );
}

function countRows(database: DatabaseSync, sql: string): number {
  return Number(database.prepare(sql).get()?.count);
}
