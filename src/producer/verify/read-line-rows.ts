import { crc32 } from "node:zlib";
import * as z from "zod";
import { computeFieldsChecksum, computeTextDigest } from "#src/producer/output/digests/row-digest.ts";
import { parseLineMetadata } from "#src/producer/output/line-metadata.ts";
import { decodeFloatRow, type FloatSink } from "#src/providers/vectors/decode-floats.ts";
import { type FoundRow, type FoundRows, NO_RESULT } from "./found-row.ts";
import { readByteLines } from "./read-byte-lines.ts";

const INITIAL_FLOATS = 2_048;

const record = z.object({
  id: z.string(),
  index: z.int(),
  status: z.enum(["ok", "failed"]),
  tokens: z.number(),
  attempts: z.number(),
  text: z.string().optional(),
});

const failure = z.object({ id: z.string(), index: z.int() });
/** A line of `sluice rerank` has only an id. */
const batchLine = z.object({ custom_id: z.string().optional(), id: z.string() });

/** Converts a line to its row; throws for a line that no run writes. */
type ParseLine = (line: Buffer) => FoundRow;

/** A line of `items.jsonl`, which has no vectors. */
export const parseItemLine: ParseLine = (line) => parseRecord(line.toString());

function parseRecord(line: string): FoundRow {
  const { id, index, status, text, tokens, attempts } = record.parse(JSON.parse(line));
  return {
    id,
    index,
    isOk: status === "ok",
    text: text === undefined ? undefined : computeTextDigest(text),
    fields: computeFieldsChecksum({ index, tokens, attempts, metadata: parseLineMetadata(line) }),
  };
}

const VECTOR_KEY = ',"vector":';
const OPEN = 0x5b;
const CLOSE_BRACE = 0x7d;
const anyVector = z.object({ vector: z.array(z.unknown()).nullable() });

/**
 * Parses lines of `records.jsonl`. The vector is decoded from the bytes, because `JSON.parse` would take most of the time.
 * No string of JSON contains a quotation mark, and a run writes the vector before the metadata, so the first key is that of
 * the vector.
 */
export function createRecordParser(): ParseLine {
  const sink: FloatSink = { values: new Float32Array(INITIAL_FLOATS), length: 0 };
  const decode = (json: Buffer, start: number) => {
    sink.length = 0;
    const end = decodeFloatRow(json, start, sink);
    return { end, result: crc32(new Uint8Array(sink.values.buffer, 0, sink.length * 4)) };
  };
  return (line) => {
    const at = line.indexOf(VECTOR_KEY);
    const start = at + VECTOR_KEY.length;
    if (at !== -1 && line[start] === OPEN && line.at(-1) === CLOSE_BRACE) {
      const { end, result } = decode(line, start);
      return { ...parseRecord(line.toString("utf8", 0, at) + line.toString("utf8", end)), result };
    }
    // The item has failed, or another program has written the line again, with spaces.
    const row = parseItemLine(line);
    const { vector } = anyVector.parse(JSON.parse(line.toString()));
    return {
      ...row,
      result: vector ? decode(Buffer.from(JSON.stringify(vector)), 0).result : row.isOk ? NO_RESULT : undefined,
    };
  };
}

/** A line of `errors.jsonl` of an embedding run. */
export const parseFailureLine: ParseLine = (line) => {
  const { id, index } = failure.parse(JSON.parse(line.toString()));
  return { id, index, isOk: false, result: checksumLine(line) };
};

/** A line of `output.jsonl`, or of `errors.jsonl` beside it. */
export const parseBatchLine: ParseLine = (line) => {
  const { id, custom_id: customId = id } = batchLine.parse(JSON.parse(line.toString()));
  return { id: customId, result: checksumLine(line) };
};

function checksumLine(line: Buffer): number {
  return crc32("\n", crc32(line));
}

/** Yields the rows of a text file in groups; a line that cannot be read is a row with an error. */
export async function* readLineRows(path: string, parse: ParseLine): AsyncGenerator<FoundRows> {
  for await (const { lines, bytes, end } of readByteLines(path)) {
    yield { rows: lines.map((line) => parseRow(line, parse)), bytes, end };
  }
}

function parseRow(line: Buffer, parse: ParseLine): FoundRow {
  try {
    return parse(line);
  } catch {
    return { error: "the line is not a record that a run writes" };
  }
}
