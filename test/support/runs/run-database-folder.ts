import { mkdirSync } from "node:fs";
import type { Failure } from "#src/core/item.ts";
import { ItemWriter, type NewRunItem } from "#src/producer/storage/item-writer.ts";
import { type NewRecord, RecordWriter } from "#src/producer/storage/record-writer.ts";
import { openRunDatabase, runInTransaction } from "#src/producer/storage/run-database.ts";
import { ANSWER_INDEXES } from "#src/producer/storage/schema.ts";

export interface TestRecord {
  readonly index: number;
  readonly attempts?: number;
  readonly tokens?: number;
  readonly recordedAt?: number;
  readonly lane?: string;
  readonly durationMs?: number;
  readonly failure?: Failure;
  /** The text of a chat answer; the results of a run are answers if one of them is. */
  readonly answer?: string;
}

/** Writes the database of a run: its plan, and the records that exist so far. */
export async function writeRunDatabase(
  dir: string,
  items: readonly NewRunItem[],
  records: readonly TestRecord[] = [],
): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const writer = await ItemWriter.create(dir);
  for (const item of items) writer.append(item);
  await writer.commit();
  addRecords(dir, records);
}

/** Adds records as the coordinator does. */
export function addRecords(dir: string, records: readonly TestRecord[]): void {
  const { database } = openRunDatabase(dir);
  try {
    if (records.some(({ answer }) => answer !== undefined)) database.exec(ANSWER_INDEXES);
    const writer = new RecordWriter(database);
    const rows = records.map(
      ({ index, attempts = 1, tokens = 1, recordedAt = index, lane, durationMs = 1, failure, answer }): NewRecord => ({
        index,
        status: failure ? "failed" : "ok",
        attempts,
        tokens,
        outputTokens: 0,
        recordedAt,
        checksum: null,
        answer: answer === undefined ? null : JSON.stringify({ text: answer, finishReason: { unified: "stop" } }),
        failure,
        call: lane === undefined ? undefined : { lane, startedAt: recordedAt, durationMs },
      }),
    );
    runInTransaction(database, () => writer.insert(rows));
  } finally {
    database.close();
  }
}
