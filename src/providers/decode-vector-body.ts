import { decodeFloatMatrix, type FloatMatrix, FloatSyntaxError, skipSpace } from "./decode-floats.ts";

export interface VectorBody {
  /** The array of arrays under the vector field; null when the field is null, undefined when there is none. */
  readonly matrix: FloatMatrix | null | undefined;
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

/**
 * Decodes a JSON object one of whose fields holds an array of float arrays, in any key order and among any other
 * keys, without building the floats' text. The last of two equal keys wins, as in JSON.parse. Throws FloatSyntaxError
 * for everything JSON.parse refuses and for a vector field that is no array of equally long number arrays.
 */
export function decodeVectorBody(bytes: Uint8Array, field: string, sizeHint: number): VectorBody {
  const body = trimEnd(bytes);
  const rest = new Map<string, unknown>();
  let matrix: FloatMatrix | null | undefined;
  let position = expectByte(body, 0, OPEN_BRACE, "{");
  let next = skipSpace(body, position);
  if (body[next] === CLOSE_BRACE) position = next + 1;
  else
    do {
      const key = readKey(body, position);
      const start = skipSpace(body, expectByte(body, key.end, COLON, ":"));
      if (key.name === field && body[start] === OPEN_BRACKET) {
        const decoded = decodeFloatMatrix(body, start, sizeHint);
        matrix = decoded.matrix;
        next = decoded.end;
      } else {
        next = findValueEnd(body, start);
        const value = parseJson(body, start, next);
        if (key.name !== field) rest.set(key.name, value);
        else if (value === null) matrix = null;
        else throw new FloatSyntaxError("an array of vectors or null", start);
      }
      next = skipSpace(body, next);
      position = next + 1;
    } while (body[next] === COMMA);
  if (body[position - 1] !== CLOSE_BRACE) throw new FloatSyntaxError(", or }", position - 1);
  if (position !== body.length) throw new FloatSyntaxError("the end of the body", position);
  return { matrix, rest };
}

/** The scanner relies on the closing brace being the last byte. */
export function trimEnd(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && isSpace(bytes[end - 1])) end -= 1;
  if (bytes[end - 1] !== CLOSE_BRACE) throw new FloatSyntaxError("} at the end of the body", end);
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

export function expectByte(bytes: Uint8Array, start: number, expected: number, name: string): number {
  const position = skipSpace(bytes, start);
  if (bytes[position] !== expected) throw new FloatSyntaxError(name, position);
  return position + 1;
}

export function readKey(bytes: Uint8Array, from: number): { name: string; end: number } {
  const start = skipSpace(bytes, from);
  if (bytes[start] !== QUOTE) throw new FloatSyntaxError("a quoted key", start);
  const end = findStringEnd(bytes, start);
  return { name: String(parseJson(bytes, start, end)), end };
}

/** The offset behind the string whose opening quote is at `start`. */
function findStringEnd(bytes: Uint8Array, start: number): number {
  for (let position = start + 1; position < bytes.length; position++) {
    const byte = bytes[position];
    if (byte === QUOTE) return position + 1;
    if (byte === BACKSLASH) position += 1;
  }
  throw new FloatSyntaxError("a closing quote", bytes.length);
}

/** The offset behind the value at `start`. It finds the end only: what is inside is for JSON.parse to judge. */
export function findValueEnd(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let position = start;
  while (position < bytes.length) {
    const byte = bytes[position];
    if (byte === QUOTE) {
      position = findStringEnd(bytes, position);
      continue;
    }
    if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth += 1;
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
      if (depth === 0) return position;
      depth -= 1;
    } else if (byte === COMMA && depth === 0) return position;
    position += 1;
  }
  throw new FloatSyntaxError("the end of a value", position);
}

export function parseJson(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8"));
  } catch {
    throw new FloatSyntaxError("a JSON value", start);
  }
}
