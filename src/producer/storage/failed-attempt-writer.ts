import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { JournalEntry } from "#src/state/runs/run-journal.ts";
import { writeProperty } from "./properties.ts";
import { runInTransaction } from "./run-database.ts";

/** Stores failed attempts, one row per item. */
export class FailedAttemptWriter {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#insert = database.prepare(
      "INSERT OR IGNORE INTO failed_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
  }

  /** `last` is the id of the last entry, from which the next process continues. */
  write(entries: readonly JournalEntry[], last: string): void {
    runInTransaction(this.#database, () => {
      for (const entry of entries) for (const index of entry.items) this.#insertRow(index, entry);
      writeProperty(this.#database, "journal", last);
    });
  }

  #insertRow(index: number, entry: JournalEntry): void {
    const { id, attempt, at, startedAt, durationMs, lane, worker, kind, code, message, providerMessage } = entry;
    this.#insert.run(
      id,
      index,
      attempt,
      startedAt ?? null,
      at,
      durationMs,
      lane ?? null,
      worker,
      kind,
      code ?? null,
      message,
      providerMessage ?? null,
    );
  }
}
