import type { DatabaseSync } from "node:sqlite";
import { RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { ITEM_SOURCE, prepareRows, SELECTED_ITEM_COLUMNS, toItem } from "./item-rows.ts";
import { isAnswerDamaged, RECORD_COLUMNS, type StoredRecord, toStoredRecord } from "./stored-record.ts";
import { computeVectorChecksum, type VectorFile } from "./vectors/vector-file.ts";

/** An item with its record. */
export interface RecordedItem {
  readonly item: Item;
  readonly record: StoredRecord;
}

/** Records of consecutive items on disk. */
export interface StoredBlock {
  readonly start: number;
  /** One per item, in order. */
  readonly rows: readonly RecordedItem[];
  /** `rows.length * dimensions` floats; undefined contents for failed items. Empty when vectors were not requested. */
  readonly vectors: Float32Array;
  /** Indices of records whose vector or answer does not match its checksum. */
  readonly damaged: readonly number[];
}

const RERUN = "Run the command again: items without a record are requested again.";

interface BlockRange {
  readonly start: number;
  readonly count: number;
  readonly into: Uint8Array | undefined;
}

/** Reads the records of a range. Rejects with a RunError that names the first item without a record. */
export async function readRecordBlock(
  database: DatabaseSync,
  vectors: VectorFile | undefined,
  { start, count, into }: BlockRange,
): Promise<StoredBlock> {
  const rows = readRows(database, start, count);
  if (!vectors || into === undefined) {
    const damaged = rows.filter(({ record }) => isAnswerDamaged(record)).map(({ record }) => record.index);
    return { start, rows, vectors: new Float32Array(), damaged };
  }
  const { dimensions } = vectors;
  const size = dimensions * 4;
  await vectors.read(start, count, into);
  const damaged = rows.filter(({ record: { index, status, checksum } }) => {
    const at = (index - start) * size;
    return status === "ok" && computeVectorChecksum(into.subarray(at, at + size)) !== checksum;
  });
  return {
    start,
    rows,
    vectors: new Float32Array(into.buffer, into.byteOffset, count * dimensions),
    damaged: damaged.map(({ record }) => record.index),
  };
}

function readRows(database: DatabaseSync, start: number, count: number): RecordedItem[] {
  const query = prepareRows(
    database,
    `SELECT ${SELECTED_ITEM_COLUMNS}, ${RECORD_COLUMNS} FROM ${ITEM_SOURCE} LEFT JOIN records r ON r."index" = i."index"
      WHERE i."index" >= ? ORDER BY i."index" LIMIT ?`,
  );
  const rows = query(start, count).map((row) => {
    const record = toStoredRecord(row);
    if (!record) throw new RunError(`item ${row[0]} has no record in ${database.location()}`, RERUN);
    return { item: toItem(row), record };
  });
  const missing = Array.from({ length: count }, (_, i) => start + i).find((index, i) => rows[i]?.item.index !== index);
  if (missing !== undefined) throw new RunError(`item ${missing} is missing in ${database.location()}`);
  return rows;
}
