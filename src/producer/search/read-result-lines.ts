import { createReadStream } from "node:fs";
import { RunError } from "#src/core/failures/errors.ts";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { parseLineMetadata } from "#src/producer/output/line-metadata.ts";
import type { ResultItem } from "./result.ts";

const READ_BYTES = 256 * 1024;

/** A line of `records.jsonl`, or of `items.jsonl`, which has no vectors. */
export interface ResultLine extends ResultItem {
  readonly vector?: readonly number[] | null;
}

/** Reads the lines of a result in groups. Rejects with a RunError that names file and line for an invalid record. */
export async function* readResultLines(path: string, signal?: AbortSignal): AsyncGenerator<readonly ResultLine[]> {
  const bytes = createReadStream(path, {
    highWaterMark: READ_BYTES,
    signal,
  });
  let expected = 0;
  for await (const lines of readLines(bytes)) {
    const records: ResultLine[] = [];
    for (const line of lines) {
      const record = "text" in line ? parseLine(line.text) : undefined;
      if (record?.index !== expected) {
        throw new RunError(`${path}:${line.number}: expected the record of item ${expected}`);
      }
      records.push(record);
      expected += 1;
    }
    yield records;
  }
}

/** Removes the vector of a record. */
export function withoutVector({ vector: _, ...item }: ResultLine): ResultItem {
  return item;
}

/** Reads the records with these indices; stops reading the file after the last of them. */
export async function pickLines(path: string, indices: readonly number[]): Promise<ResultItem[]> {
  const pending = new Set(indices);
  const picked: ResultItem[] = [];
  if (pending.size === 0) return picked;
  for await (const records of readResultLines(path)) {
    for (const record of records) if (pending.has(record.index)) picked.push(withoutVector(record));
    if (picked.length === pending.size) break;
  }
  return picked;
}

function parseLine(text: string): ResultLine | undefined {
  try {
    const value: ResultLine | null = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value, metadata: parseLineMetadata(text) } : undefined;
  } catch {
    return undefined;
  }
}
