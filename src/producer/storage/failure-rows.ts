import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import * as z from "zod";
import type { FailureKind } from "#src/core/item.ts";
import { runInTransaction } from "./run-database.ts";

/** Selects failures that match all given criteria; without criteria, all failures. */
export interface FailureFilter {
  readonly kinds?: ReadonlySet<string>;
  /** See `computeFailureCause`. */
  readonly cause?: string;
  /** Excludes these causes. */
  readonly excludedCauses?: ReadonlySet<string>;
}

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

export interface ResetFailures {
  /** Number of items whose failure was removed. */
  readonly count: number;
  /** Failures that were kept, by kind. */
  readonly kept: Readonly<Record<string, number>>;
}

/**
 * Durably removes the selected failures from a store that is not open, so that these items have no record when it is
 * opened again. May be killed at any time and repeated; repeating it keeps the items of the first time.
 */
export function resetFailures(database: DatabaseSync, filter: FailureFilter): ResetFailures {
  const { where, parameters } = toCondition(filter);
  return runInTransaction(database, () => {
    database.exec(`DELETE FROM reset_items WHERE "index" IN (SELECT "index" FROM records)`);
    const selected = `SELECT "index" FROM records WHERE ${where}`;
    database.prepare(`INSERT OR IGNORE INTO reset_items ${selected}`).run(...parameters);
    database.prepare(`DELETE FROM records WHERE ${where}`).run(...parameters);
    const kept = database.prepare(`SELECT kind, count(*) AS count FROM records WHERE status = 'failed' GROUP BY kind`);
    return {
      count: countRows(database, "SELECT count(*) AS count FROM reset_items"),
      kept: Object.fromEntries(kept.all().map((row) => [String(row.kind), Number(row.count)])),
    };
  });
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

function toCondition({ kinds, cause, excludedCauses }: FailureFilter) {
  const conditions: (readonly [string, SQLInputValue])[] = [];
  if (kinds) conditions.push(["kind IN (SELECT value FROM json_each(?))", JSON.stringify([...kinds])]);
  if (cause !== undefined) conditions.push(["cause = ?", cause]);
  if (excludedCauses)
    conditions.push(["cause NOT IN (SELECT value FROM json_each(?))", JSON.stringify([...excludedCauses])]);
  return {
    where: ["status = 'failed'", ...conditions.map(([sql]) => sql)].join(" AND "),
    parameters: conditions.map(([, value]) => value),
  };
}
