import { endianness } from "node:os";
import { decodeFloatRow, type FloatMatrix, type FloatSink, FloatSyntaxError, skipSpace } from "./decode-floats.ts";
import { expectByte, findValueEnd, parseJson, readKey, trimEnd } from "./decode-vector-body.ts";

export interface EmbeddingList {
  /** In the order of `index`; undefined when there is no `data` list. */
  readonly matrix: FloatMatrix | undefined;
  /** Every other top-level field, parsed. A map: upstream keys like `__proto__` stay data. */
  readonly rest: ReadonlyMap<string, unknown>;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const PADDING = 61;
const BYTES_PER_FLOAT = 4;

/**
 * Decodes `{"data": [{"index": 0, "embedding": ...}, ...]}` with vectors as numbers or as little-endian float32 in
 * base64, each told apart by what is there, without building the floats' text. The vectors are placed by `index`,
 * which must name every position once. Throws FloatSyntaxError for everything else.
 */
export function decodeEmbeddingList(bytes: Uint8Array, sizeHint: number): EmbeddingList {
  const body = trimEnd(bytes);
  const rest = new Map<string, unknown>();
  const sink: FloatSink = { values: new Float32Array(Math.max(sizeHint, 16)), length: 0 };
  let places: Place[] | undefined;
  const end = walkObject(body, 0, (name, start) => {
    if (name === "data" && body[start] === OPEN_BRACKET) {
      places = [];
      sink.length = 0;
      return decodeList(body, start, sink, places);
    }
    const valueEnd = findValueEnd(body, start);
    const value = parseJson(body, start, valueEnd);
    if (name !== "data") rest.set(name, value);
    else if (value !== null) throw new FloatSyntaxError("a list of embeddings", start);
    return valueEnd;
  });
  if (end !== body.length) throw new FloatSyntaxError("the end of the body", end);
  return { matrix: places && arrange(sink, places), rest };
}

/** Where a vector was decoded to, and where it belongs. */
interface Place {
  readonly index: unknown;
  readonly offset: number;
  readonly length: number;
  /** Of its object in the body. */
  readonly byte: number;
}

function decodeList(body: Uint8Array, start: number, sink: FloatSink, places: Place[]): number {
  let position = start + 1;
  let next = skipSpace(body, position);
  if (body[next] === CLOSE_BRACKET) return next + 1;
  do {
    const byte = skipSpace(body, position);
    const offset = sink.length;
    let index: unknown;
    let found = false;
    position = walkObject(body, byte, (name, valueStart) => {
      if (name === "embedding") {
        found = true;
        sink.length = offset;
        return decodeVector(body, valueStart, sink);
      }
      const valueEnd = findValueEnd(body, valueStart);
      const value = parseJson(body, valueStart, valueEnd);
      if (name === "index") index = value;
      return valueEnd;
    });
    if (!found) throw new FloatSyntaxError("an embedding", byte);
    places.push({ index, offset, length: sink.length - offset, byte });
    next = skipSpace(body, position);
    position = next + 1;
  } while (body[next] === COMMA);
  if (body[next] !== CLOSE_BRACKET) throw new FloatSyntaxError(", or ]", next);
  return position;
}

/** Calls `onField` with each name and the start of its value; it returns the value's end. Returns the object's end. */
function walkObject(body: Uint8Array, start: number, onField: (name: string, valueStart: number) => number): number {
  let position = expectByte(body, start, OPEN_BRACE, "{");
  let next = skipSpace(body, position);
  if (body[next] === CLOSE_BRACE) return next + 1;
  do {
    const key = readKey(body, position);
    next = skipSpace(body, onField(key.name, skipSpace(body, expectByte(body, key.end, COLON, ":"))));
    position = next + 1;
  } while (body[next] === COMMA);
  if (body[next] !== CLOSE_BRACE) throw new FloatSyntaxError(", or }", next);
  return position;
}

function decodeVector(body: Uint8Array, start: number, sink: FloatSink): number {
  if (body[start] === OPEN_BRACKET) return decodeFloatRow(body, start, sink);
  if (body[start] === QUOTE) return decodeBase64(body, start, sink);
  throw new FloatSyntaxError("an array of numbers or base64", start);
}

function decodeBase64(body: Uint8Array, start: number, sink: FloatSink): number {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let end = bytes.indexOf(QUOTE, start + 1);
  if (end < 0) throw new FloatSyntaxError("a closing quote", body.length);
  let text: string;
  // Some serializers write "\/" for "/".
  if (bytes.subarray(start, end).includes(BACKSLASH)) {
    end = findValueEnd(body, start);
    text = String(parseJson(body, start, end));
  } else {
    text = bytes.toString("latin1", start + 1, end);
    end += 1;
  }
  let digits = text.length;
  while (digits > 0 && text.charCodeAt(digits - 1) === PADDING) digits -= 1;
  const size = Math.floor((digits * 3) / 4);
  const floats = size / BYTES_PER_FLOAT;
  if (!Number.isInteger(floats)) throw new FloatSyntaxError("base64 of whole float32 values", start);
  reserve(sink, floats);
  const target = Buffer.from(sink.values.buffer, sink.values.byteOffset + sink.length * BYTES_PER_FLOAT, size);
  // Characters outside the alphabet are skipped, and then bytes are missing.
  if (target.write(text, "base64") !== size) throw new FloatSyntaxError("base64", start);
  if (BIG_ENDIAN) target.swap32();
  sink.length += floats;
  return end;
}

const BIG_ENDIAN = endianness() === "BE";

function reserve(sink: FloatSink, count: number): void {
  const needed = sink.length + count;
  if (needed <= sink.values.length) return;
  const longer = new Float32Array(Math.max(needed, sink.values.length * 2));
  longer.set(sink.values);
  sink.values = longer;
}

/** The vectors in the order of their indexes. */
function arrange({ values, length }: FloatSink, places: readonly Place[]): FloatMatrix {
  const rows = places.length;
  const columns = places[0]?.length ?? 0;
  const byIndex = new Array<Place | undefined>(rows).fill(undefined);
  let ordered = true;
  for (const [position, place] of places.entries()) {
    const { index, byte } = place;
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index >= rows)
      throw new FloatSyntaxError(`an index from 0 to ${rows - 1}`, byte);
    if (byIndex[index]) throw new FloatSyntaxError("an index that no other embedding has", byte);
    if (place.length !== columns)
      throw new FloatSyntaxError(`${columns} numbers, as in the first embedding, not ${place.length}`, byte);
    byIndex[index] = place;
    ordered &&= index === position;
  }
  if (ordered) return { values: values.length === length ? values : values.slice(0, length), rows, columns };
  const arranged = new Float32Array(rows * columns);
  for (const [index, place] of byIndex.entries()) {
    const offset = place?.offset ?? 0;
    arranged.set(values.subarray(offset, offset + columns), index * columns);
  }
  return { values: arranged, rows, columns };
}
