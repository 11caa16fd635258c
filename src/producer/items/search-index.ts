import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { parseExactJson } from "#src/core/exact-json.ts";
import { getRunDatabasePath, openRunDatabaseReader } from "#src/producer/storage/run-database.ts";
import { SEARCH_INDEX } from "#src/producer/storage/schema.ts";
import { isDatabaseBusy, toDatabaseError } from "#src/sqlite/database-error.ts";
import { openDatabase, toReadOnlyUri } from "#src/sqlite/open-database.ts";
import { toIndexedText } from "./match-expression.ts";

/** Items in the index, and in the run. While answers are being added, both count answers. */
export interface IndexProgress {
  readonly done: number;
  readonly total: number;
}

/** `PRAGMA application_id`: "SLSX". */
const APPLICATION_ID = 0x534c5358;
const ROWS_PER_STEP = 2_000;
const PAGE_BYTES = 8_192;
const CACHE_KIBIBYTES = 64 * 1024;
/** The clock of the coordinator may have been set back by so much between two records. */
const CLOCK_SLACK_MS = 60_000;
/** A build that was killed leaves its file. Every build writes to it more often than this. */
const ABANDONED_MS = 10 * 60_000;

/** Contentless: the index finds items, and their texts stay in the run's database. `indexed` lists the answers in it. */
const TABLES = `
CREATE TABLE source (fingerprint TEXT NOT NULL, answers_until INTEGER NOT NULL);
CREATE VIRTUAL TABLE texts USING fts5 (text, metadata, content = '', tokenize = "unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE answers USING fts5 (text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2");
CREATE TABLE indexed ("index" INTEGER PRIMARY KEY, recorded_at INTEGER NOT NULL);
`;

/**
 * Attaches the search index of the run in `dir` as "search" to a connection of its database. Returns false when there is
 * none, or the one of an earlier run.
 */
export function attachSearchIndex(database: DatabaseSync, dir: string): boolean {
  const path = join(dir, SEARCH_INDEX);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return false;
  try {
    database.prepare("ATTACH ? AS search").run(toReadOnlyUri(path).href);
    const found = database.prepare("SELECT fingerprint FROM search.source").get();
    if (found?.fingerprint === readFingerprint(database)) return true;
    database.exec("DETACH search");
    return false;
  } catch (error) {
    throw toDatabaseError(error, path, "Delete this file; it is built again.");
  }
}

/** Counts the answers that the attached index does not contain yet, up to one step. */
export function countNewAnswers(database: DatabaseSync): number {
  const count = database.prepare(`SELECT count(*) AS count FROM (${NEW_ANSWERS} LIMIT ${ROWS_PER_STEP})`);
  return Number(count.get(readAnswersUntil(database))?.count);
}

/**
 * Brings the search index of the run in `dir` up to date, in steps of some milliseconds; every step returns the progress.
 * Texts never change, so they are indexed once. May be killed at any time; of two processes at once, one wins.
 */
export function* updateSearchIndex(dir: string): Generator<IndexProgress> {
  const path = join(dir, SEARCH_INDEX);
  const reader = openRunDatabaseReader(dir);
  try {
    if (attachSearchIndex(reader, dir)) reader.exec("DETACH search");
    else yield* buildIndex(reader, dir);
    if (!hasAnswers(reader)) return;
    yield* addAnswers(reader, dir);
  } catch (error) {
    throw toDatabaseError(error, path, "Delete this file; it is built again.");
  } finally {
    reader.close();
  }
}

/** Items never change, so a run is known by its first and last id and their number. */
function readFingerprint(database: DatabaseSync): string {
  const ends = database.prepare(
    `SELECT "index", id FROM main.items WHERE "index" IN (0, (SELECT max("index") FROM main.items))`,
  );
  return JSON.stringify(ends.all().map(({ index, id }) => [index, id]));
}

/** Whether the results of the run are answers; see `ANSWER_INDEXES`. */
export function hasAnswers(database: DatabaseSync): boolean {
  return database.prepare("SELECT 1 FROM main.sqlite_schema WHERE name = 'records_columns'").get() !== undefined;
}

function* buildIndex(reader: DatabaseSync, dir: string): Generator<IndexProgress> {
  removeAbandoned(dir);
  const path = join(dir, `${SEARCH_INDEX}.partial-${process.pid}-${Date.now().toString(36)}`);
  const total = Number(reader.prepare('SELECT coalesce(max("index") + 1, 0) AS items FROM items').get()?.items);
  const { database } = openDatabase(path, {
    synchronous: "normal",
    applicationId: APPLICATION_ID,
    pageSize: PAGE_BYTES,
  });
  try {
    // Nothing reads an incomplete index, so it needs neither a journal nor syncs.
    database.exec(
      `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${CACHE_KIBIBYTES}; ${TABLES}`,
    );
    database.prepare("INSERT INTO source VALUES (?, 0)").run(readFingerprint(reader));
    database.exec("BEGIN");
    const insert = database.prepare("INSERT INTO texts (rowid, text, metadata) VALUES (?, ?, ?)");
    // Duplicates have no text of their own in the table.
    const items = reader.prepare(`
      SELECT i."index", coalesce(i.text, original.text) AS text, i.metadata
      FROM items i LEFT JOIN items original ON original."index" = i.duplicate_of
      WHERE i."index" >= ? ORDER BY i."index" LIMIT ${ROWS_PER_STEP}`);
    for (let done = 0; done < total; done += ROWS_PER_STEP) {
      for (const { index, text, metadata } of items.all(done)) {
        insert.run(Number(index), toIndexedText(String(text ?? "")), toIndexedMetadata(metadata));
      }
      yield { done: Math.min(total, done + ROWS_PER_STEP), total };
    }
    database.exec("COMMIT");
    database.close();
    syncFile(path);
    renameSync(path, join(dir, SEARCH_INDEX));
    // The run may have finished meanwhile and deleted its database.
    if (!existsSync(getRunDatabasePath(dir))) rmSync(join(dir, SEARCH_INDEX), { force: true });
  } finally {
    if (database.isOpen) database.close();
    rmSync(path, { force: true });
  }
}

const NEW_ANSWERS = `
  SELECT r."index", r.recorded_at FROM main.records r INDEXED BY records_columns
  WHERE r.recorded_at >= ? AND r.status = 'ok'
    AND NOT EXISTS (SELECT 1 FROM search.indexed x WHERE x."index" = r."index" AND x.recorded_at = r.recorded_at)`;

function readAnswersUntil(database: DatabaseSync): number {
  return Number(database.prepare("SELECT answers_until FROM search.source").get()?.answers_until);
}

/** Adds the answers in the order in which they were recorded. */
function* addAnswers(reader: DatabaseSync, dir: string): Generator<IndexProgress> {
  const options = { synchronous: "normal", applicationId: APPLICATION_ID } as const;
  const { database } = openDatabase(join(dir, SEARCH_INDEX), options);
  try {
    attachSearchIndex(reader, dir);
    const next = reader.prepare(`SELECT r."index", r.recorded_at, r.answer ->> '$.text' AS text, r.answer
      FROM main.records r JOIN (${NEW_ANSWERS} ORDER BY r.recorded_at LIMIT ${ROWS_PER_STEP}) n USING ("index")`);
    const total = Number(reader.prepare("SELECT count(*) AS count FROM main.records").get()?.count);
    const add = database.prepare("INSERT OR REPLACE INTO answers (rowid, text) VALUES (?, ?)");
    const mark = database.prepare("INSERT OR REPLACE INTO indexed VALUES (?, ?)");
    const advance = database.prepare("UPDATE source SET answers_until = max(answers_until, ?)");
    let done = Number(database.prepare("SELECT count(*) AS count FROM indexed").get()?.count);
    for (let last = readAnswersUntil(reader); ; ) {
      const rows = next.all(last);
      if (rows.length === 0) return;
      database.exec("BEGIN IMMEDIATE");
      for (const { index, recorded_at: recordedAt, text, answer } of rows) {
        add.run(Number(index), toIndexedText(String(text ?? answer ?? "")));
        mark.run(Number(index), Number(recordedAt));
        last = Math.max(last, Number(recordedAt));
      }
      advance.run(last - CLOCK_SLACK_MS);
      database.exec("COMMIT");
      done += rows.length;
      yield { done, total: Math.max(total, done) };
    }
  } catch (error) {
    // Another process is adding the same answers.
    if (!isDatabaseBusy(error)) throw error;
  } finally {
    database.close();
  }
}

/** The values of all fields, which the words of a condition on one field are among. */
function toIndexedMetadata(metadata: unknown): string {
  if (typeof metadata !== "string") return "";
  const fields = parseExactJson(metadata);
  const values = typeof fields === "object" && fields !== null ? Object.values(fields) : [];
  return values
    .map((value) => (JSON.isRawJSON(value) ? value.rawJSON : value))
    .filter((value) => typeof value !== "object")
    .map((value) => toIndexedText(String(value)))
    .join("\n");
}

function removeAbandoned(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (!name.startsWith(`${SEARCH_INDEX}.partial`)) continue;
    const path = join(dir, name);
    const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_MS) rmSync(path, { force: true });
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r+");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
