import { createReadStream } from "node:fs";
import { crc32 } from "node:zlib";
import * as z from "zod";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { computeFieldsChecksum, computeTextDigest } from "#src/producer/output/digests/row-digest.ts";
import { parseLineMetadata } from "#src/producer/output/line-metadata.ts";
import { type FoundRow, NO_RESULT } from "./found-row.ts";

const READ_BYTES = 1024 * 1024;

const record = z.object({
  id: z.string(),
  index: z.int(),
  status: z.enum(["ok", "failed"]),
  tokens: z.number(),
  attempts: z.number(),
  text: z.string().optional(),
  // Checked by hand, because a schema would take most of the time.
  vector: z.unknown().optional(),
});

const failure = z.object({ id: z.string(), index: z.int() });
/** A line of `sluice rerank` has only an id. */
const batchLine = z.object({ custom_id: z.string().optional(), id: z.string() });

/** Converts a line to its row; throws for a line that no run writes. */
type ParseLine = (json: unknown, line: string) => FoundRow;

/** A line of `items.jsonl`, which has no vectors. */
export const parseItemLine: ParseLine = (json, line) => parseRecord(json, line).row;

/** A line of `records.jsonl`. */
export const parseRecordRow: ParseLine = (json, line) => {
  const { row, vector } = parseRecord(json, line);
  return { ...row, result: Array.isArray(vector) ? checksumFloats(vector) : row.isOk ? NO_RESULT : undefined };
};

function parseRecord(json: unknown, line: string): { readonly row: FoundRow; readonly vector: unknown } {
  const { id, index, status, text, vector, tokens, attempts } = record.parse(json);
  const row = {
    id,
    index,
    isOk: status === "ok",
    text: text === undefined ? undefined : computeTextDigest(text),
    fields: computeFieldsChecksum({ index, tokens, attempts, metadata: parseLineMetadata(line) }),
  };
  return { row, vector };
}

/** A line of `errors.jsonl` of an embedding run. */
export const parseFailureLine: ParseLine = (json, line) => {
  const { id, index } = failure.parse(json);
  return { id, index, isOk: false, result: crc32(`${line}\n`) };
};

/** A line of `output.jsonl`, or of `errors.jsonl` beside it. */
export const parseBatchLine: ParseLine = (json, line) => {
  const { id, custom_id: customId = id } = batchLine.parse(json);
  return { id: customId, result: crc32(`${line}\n`) };
};

/** Yields the rows of a text file in groups; a line that cannot be read is a row with an error. */
export async function* readLineRows(path: string, parse: ParseLine): AsyncGenerator<readonly FoundRow[]> {
  for await (const lines of readLines(createReadStream(path, { highWaterMark: READ_BYTES }))) {
    yield lines.map((line) => ("text" in line ? parseRow(line.text, parse) : { error: `the line ${line.error}` }));
  }
}

function parseRow(line: string, parse: ParseLine): FoundRow {
  try {
    return parse(JSON.parse(line), line);
  } catch {
    return { error: "the line is not a record that a run writes" };
  }
}

/** The CRC-32 of floats as little-endian float32. */
function checksumFloats(values: readonly unknown[]): number {
  const floats = new Float32Array(values.length);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    floats[i] = typeof value === "number" ? value : Number.NaN;
  }
  return crc32(new Uint8Array(floats.buffer));
}
