import type { Failure } from "#src/core/item.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import type { RecordedItem } from "#src/producer/storage/read-records.ts";
import { viewFloats } from "./format-float.ts";
import { JsonlFile } from "./jsonl-file.ts";
import type { ResultWriter } from "./result-writer.ts";

/** Formats the part of a line after the vector. */
function formatLineEnd({ item, record: { tokens, attempts } }: RecordedItem, withText: boolean): string {
  const more = withText ? { text: item.text, metadata: item.metadata } : {};
  return JSON.stringify({ tokens, attempts, ...more }).slice(1);
}

/** Formats the part of a line before the vector. */
function formatLineStart({ item, record: { status } }: RecordedItem): string {
  return JSON.stringify({ id: item.id, index: item.index, status }).slice(0, -1);
}

/** Writes `records.jsonl`: one line per item, its vector as the shortest decimals that parse to the same float32. */
export async function createJsonlWriter(disk: Disk, path: string, withText: boolean): Promise<ResultWriter> {
  const file = await JsonlFile.create(disk, path);
  return {
    async write({ rows, vectors }) {
      const floats = viewFloats(vectors);
      const dimensions = vectors.length / rows.length;
      for (const [i, row] of rows.entries()) {
        if (row.record.status === "ok") {
          await file.addText(`${formatLineStart(row)},"vector":[`);
          await file.addFloats(floats, i * dimensions, (i + 1) * dimensions);
          await file.addText(`],${formatLineEnd(row, withText)}\n`);
        } else await file.addText(`${formatLineStart(row)},"vector":null,${formatLineEnd(row, withText)}\n`);
      }
    },
    finish: () => file.finish(),
    close: () => file.close(),
  };
}

/** Writes `items.jsonl`: the lines of `records.jsonl` without the vectors. */
export async function createItemsWriter(disk: Disk, path: string, withText: boolean): Promise<ResultWriter> {
  const file = await JsonlFile.create(disk, path);
  return {
    async write({ rows }) {
      for (const row of rows) await file.addText(`${formatLineStart(row)},${formatLineEnd(row, withText)}\n`);
    },
    finish: () => file.finish(),
    close: () => file.close(),
  };
}

/** Formats a line of `errors.jsonl`, with its line ending. */
export function formatFailureLine({ item, record }: RecordedItem, failure: Failure): string {
  const { id, index } = item;
  const { attempts } = record;
  const { kind, message, code, providerMessage, param } = failure;
  return `${JSON.stringify({ id, index, kind, message, code, providerMessage, param, attempts })}\n`;
}

/** Writes `errors.jsonl`: one line per failed item, in input order. */
export async function createErrorsWriter(disk: Disk, path: string): Promise<ResultWriter> {
  const file = await JsonlFile.create(disk, path);
  return {
    async write({ rows }) {
      for (const row of rows) if (row.record.failure) await file.addText(formatFailureLine(row, row.record.failure));
    },
    finish: () => file.finish(),
    close: () => file.close(),
  };
}
