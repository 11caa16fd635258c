import { expectByte, FloatSyntaxError, skipSpace } from "./vectors/decode-floats.ts";

/** Byte-level access to the top level of a JSON body, for bodies whose large parts must not become strings. */

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** Receives a field's name and the offset of its value; returns the offset after the value. */
type OnField = (name: string, valueStart: number) => number;

/** The body without trailing white space. The scanner relies on the closing brace being the last byte. */
export function trimBody(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && skipSpace(bytes, end - 1) >= end) end -= 1;
  if (bytes[end - 1] !== CLOSE_BRACE) throw new FloatSyntaxError("} at the end of the body", end);
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}

/** Calls `onField` for every field of the object that is the whole body. */
export function scanBody(body: Uint8Array, onField: OnField): void {
  const end = scanObject(body, 0, onField);
  if (end !== body.length) throw new FloatSyntaxError("the end of the body", end);
}

/** Calls `onField` for every field of the object at `start`; returns the offset after the object. */
export function scanObject(body: Uint8Array, start: number, onField: OnField): number {
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

/** The parsed value at `start` and the offset after it. */
export function readValue(bytes: Uint8Array, start: number): { readonly value: unknown; readonly end: number } {
  const end = findValueEnd(bytes, start);
  return { value: parseRange(bytes, start, end), end };
}

function readKey(bytes: Uint8Array, from: number): { readonly name: string; readonly end: number } {
  const start = skipSpace(bytes, from);
  if (bytes[start] !== QUOTE) throw new FloatSyntaxError("a quoted key", start);
  const end = findStringEnd(bytes, start);
  return { name: String(parseRange(bytes, start, end)), end };
}

/** The offset after the string whose opening quote is at `start`. */
function findStringEnd(bytes: Uint8Array, start: number): number {
  for (let position = start + 1; position < bytes.length; position++) {
    const byte = bytes[position];
    if (byte === QUOTE) return position + 1;
    if (byte === BACKSLASH) position += 1;
  }
  throw new FloatSyntaxError("a closing quote", bytes.length);
}

/** The offset after the value at `start`. This finds only the end; JSON.parse checks the value. */
function findValueEnd(bytes: Uint8Array, start: number): number {
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

function parseRange(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8"));
  } catch {
    throw new FloatSyntaxError("a JSON value", start);
  }
}
