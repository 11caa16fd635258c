import { readValue, scanBody, scanObject, trimBody } from "#src/providers/scan-json.ts";
import { countBase64Floats, writeBase64Floats } from "./base64-floats.ts";
import { decodeFloatRow, type FloatMatrix, type FloatSink, FloatSyntaxError, skipSpace } from "./decode-floats.ts";

export interface EmbeddingList {
  /** In the order of `index`; undefined when there is no `data` list. */
  readonly matrix: FloatMatrix | undefined;
  /** Every other top-level field, parsed. A map, so that a key such as `__proto__` stays data. */
  readonly rest: ReadonlyMap<string, unknown>;
}

/** The names under which a protocol sends its vectors. */
export interface EmbeddingNames {
  /** The list of embeddings; an object in its place is the only one. */
  readonly lists: readonly string[];
  readonly vector: string;
}

const OPENAI_NAMES: EmbeddingNames = { lists: ["data"], vector: "embedding" };

const QUOTE = 34;
const COMMA = 44;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;

/**
 * Decodes `{"data": [{"index": 0, "embedding": ...}, ...]}` without creating strings for the floats. A vector is an
 * array of numbers, or little-endian float32 in base64. Vectors are ordered by `index`, which must name every position
 * once; see `fillIndexes` for a missing one. Throws FloatSyntaxError for everything else.
 */
export function decodeEmbeddingList(
  bytes: Uint8Array,
  sizeHint: number,
  names: EmbeddingNames = OPENAI_NAMES,
): EmbeddingList {
  const body = trimBody(bytes);
  const rest = new Map<string, unknown>();
  const sink: FloatSink = { values: new Float32Array(Math.max(sizeHint, 16)), length: 0 };
  let rows: DecodedRow[] | undefined;
  scanBody(body, (name, start) => {
    const isList = names.lists.includes(name);
    if (isList && (body[start] === OPEN_BRACKET || body[start] === OPEN_BRACE)) {
      rows = [];
      sink.length = 0;
      const decode = body[start] === OPEN_BRACE ? decodeRow : decodeList;
      return decode(body, start, { sink, rows, vector: names.vector });
    }
    const { value, end } = readValue(body, start);
    if (!isList) rest.set(name, value);
    else if (value !== null) throw new FloatSyntaxError("a list of embeddings", start);
    return end;
  });
  return { matrix: rows && orderRows(sink, rows), rest };
}

/** Where the floats of an embedding are in the sink, and its `index`; undefined if it is missing or null. */
interface DecodedRow {
  readonly index: unknown;
  readonly offset: number;
  readonly length: number;
  /** Offset of the embedding's object in the body, for error messages. */
  readonly byte: number;
}

interface Target {
  readonly sink: FloatSink;
  readonly rows: DecodedRow[];
  /** The field of an embedding that contains its vector. */
  readonly vector: string;
}

function decodeList(body: Uint8Array, start: number, target: Target): number {
  let position = start + 1;
  let next = skipSpace(body, position);
  if (body[next] === CLOSE_BRACKET) return next + 1;
  do {
    position = decodeRow(body, skipSpace(body, position), target);
    next = skipSpace(body, position);
    position = next + 1;
  } while (body[next] === COMMA);
  if (body[next] !== CLOSE_BRACKET) throw new FloatSyntaxError(", or ]", next);
  return position;
}

function decodeRow(body: Uint8Array, byte: number, { sink, rows, vector }: Target): number {
  const offset = sink.length;
  let index: unknown;
  let hasEmbedding = false;
  const position = scanObject(body, byte, (name, valueStart) => {
    if (name === vector) {
      hasEmbedding = true;
      sink.length = offset;
      return decodeVector(body, valueStart, sink);
    }
    const { value, end } = readValue(body, valueStart);
    if (name === "index") index = value;
    return end;
  });
  if (!hasEmbedding) throw new FloatSyntaxError("an embedding", byte);
  rows.push({ index: index ?? undefined, offset, length: sink.length - offset, byte });
  return position;
}

function decodeVector(body: Uint8Array, start: number, sink: FloatSink): number {
  if (body[start] === OPEN_BRACKET) return decodeFloatRow(body, start, sink);
  if (body[start] === QUOTE) return decodeBase64(body, start, sink);
  throw new FloatSyntaxError("an array of numbers or base64", start);
}

function decodeBase64(body: Uint8Array, start: number, sink: FloatSink): number {
  const { text, end } = readBase64Text(body, start);
  const floats = countBase64Floats(text);
  if (floats === undefined) throw new FloatSyntaxError("base64 of whole float32 values", start);
  reserve(sink, floats);
  if (!writeBase64Floats(text, sink.values.subarray(sink.length, sink.length + floats)))
    throw new FloatSyntaxError("base64", start);
  sink.length += floats;
  return end;
}

function readBase64Text(body: Uint8Array, start: number): { readonly text: string; readonly end: number } {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const quote = bytes.indexOf(QUOTE, start + 1);
  if (quote < 0) throw new FloatSyntaxError("a closing quote", body.length);
  if (!bytes.subarray(start, quote).includes(BACKSLASH))
    return { text: bytes.toString("latin1", start + 1, quote), end: quote + 1 };
  // Some serializers write "\/" for "/".
  const { value, end } = readValue(body, start);
  return { text: String(value), end };
}

function reserve(sink: FloatSink, count: number): void {
  const needed = sink.length + count;
  if (needed <= sink.values.length) return;
  const longer = new Float32Array(Math.max(needed, sink.values.length * 2));
  longer.set(sink.values);
  sink.values = longer;
}

/** The vectors in the order of their indexes. */
function orderRows({ values, length }: FloatSink, decoded: readonly DecodedRow[]): FloatMatrix {
  const rows = decoded.length;
  const columns = decoded[0]?.length ?? 0;
  const indexes = fillIndexes(decoded);
  const byIndex = new Array<DecodedRow | undefined>(rows).fill(undefined);
  let isOrdered = true;
  for (const [position, row] of decoded.entries()) {
    const index = indexes[position] ?? 0;
    if (byIndex[index]) throw new FloatSyntaxError("an index that no other embedding has", row.byte);
    if (row.length !== columns)
      throw new FloatSyntaxError(`${columns} numbers, as in the first embedding, not ${row.length}`, row.byte);
    byIndex[index] = row;
    isOrdered &&= index === position;
  }
  if (isOrdered) return { values: values.length === length ? values : values.slice(0, length), rows, columns };
  const ordered = new Float32Array(rows * columns);
  for (const [index, row] of byIndex.entries()) {
    const offset = row?.offset ?? 0;
    ordered.set(values.subarray(offset, offset + columns), index * columns);
  }
  return { values: ordered, rows, columns };
}

/**
 * The index of every embedding. Some servers send none, and protobuf serializers omit it where it is 0. An embedding
 * without an index is in the place that it has in the list; if another one has that index, and only one lacks it, its
 * index is 0.
 */
function fillIndexes(decoded: readonly DecodedRow[]): readonly number[] {
  const rows = decoded.length;
  const taken = new Set<unknown>();
  let missing = 0;
  for (const { index, byte } of decoded) {
    if (index === undefined) missing += 1;
    else if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= rows)
      throw new FloatSyntaxError(`an index from 0 to ${rows - 1}`, byte);
    taken.add(index);
  }
  return decoded.map(({ index }, position) => {
    if (typeof index === "number") return index;
    return missing === 1 && taken.has(position) ? 0 : position;
  });
}
