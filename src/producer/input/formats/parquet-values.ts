import type { ParquetParsers, SchemaElement, SchemaTree } from "hyparquet";
import { parseExactJson, toExactNumber } from "#src/core/exact-json.ts";
import { isDecimal, isInterval, isJson } from "./parquet-schema.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes values of a column for `toJsonRecord`; timestamps keep their micro- and nanoseconds. Strings stay bytes, because
 * all those of a page are decoded at once.
 */
export const PARQUET_PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes) => bytes,
  /** Only the keys of maps have this type; see `selectColumns`. */
  jsonFromBytes: (bytes) => bytes && DECODER.decode(bytes),
  timestampFromMilliseconds: (value) => formatTimestamp(value, 3),
  timestampFromMicroseconds: (value) => formatTimestamp(value, 6),
  timestampFromNanoseconds: (value) => formatTimestamp(value, 9),
};

/** Formats a time since 1970 as ISO 8601, or as its number if it is beyond the years that a date can have. */
function formatTimestamp(value: bigint | undefined, decimals: 3 | 6 | 9): unknown {
  if (value === undefined || value === null) return undefined;
  const perMillisecond = 10n ** BigInt(decimals - 3);
  const rest = ((value % perMillisecond) + perMillisecond) % perMillisecond;
  const date = new Date(Number((value - rest) / perMillisecond));
  if (Number.isNaN(date.getTime())) return value;
  if (rest === 0n) return date.toISOString();
  return `${date.toISOString().slice(0, -1)}${String(rest).padStart(decimals - 3, "0")}Z`;
}

/**
 * Converts a record to JSON values whose numbers keep their digits. Dates become ISO 8601, intervals an ISO 8601
 * duration, NaN and infinite numbers strings. Returns undefined if a string is not UTF-8.
 */
export function toJsonRecord(
  record: Readonly<Record<string, unknown>>,
  columns: readonly SchemaTree[],
): Record<string, unknown> | undefined {
  try {
    return Object.fromEntries(
      columns.map((column) => [column.element.name, toJsonValue(record[column.element.name], column)]),
    );
  } catch (error) {
    if (error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA")
      return undefined;
    throw error;
  }
}

function toJsonValue(value: unknown, type: SchemaTree | undefined): unknown {
  if (value === undefined || value === null) return null;
  if (type !== undefined && type.children.length === 0 && !isList(value)) {
    if (isDecimal(type.element)) return formatDecimal(value, type.element);
    if (isInterval(type.element) && value instanceof Uint8Array) return formatInterval(value);
  }
  if (value instanceof Uint8Array) return type && isJson(type.element) ? parseJson(value) : DECODER.decode(value);
  if (typeof value === "bigint") return toExactNumber(String(value));
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return String(value);
    return Object.is(value, -0) ? toExactNumber("-0") : value;
  }
  if (typeof value !== "object") return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (isList(value)) {
    const element = type && getListElement(type);
    return Array.from(value, (inner) => toJsonValue(inner, element));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, toJsonValue(inner, type && getField(type, key))]),
  );
}

/** Throws a RangeError for a value that is nested too deeply, and a SyntaxError for invalid JSON. */
function parseJson(bytes: Uint8Array): unknown {
  return parseExactJson(DECODER.decode(bytes));
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof Uint8Array));
}

/** The type of the elements of a list, or of a repeated field. */
function getListElement(type: SchemaTree): SchemaTree {
  const [repeated, ...others] = type.children;
  if (type.element.converted_type !== "LIST" || repeated === undefined || others.length > 0) return type;
  return repeated.children.length === 1 ? (repeated.children[0] ?? repeated) : repeated;
}

/** The type of a field of a struct, or of the values of a map. */
function getField(type: SchemaTree, key: string): SchemaTree | undefined {
  const entry = type.element.converted_type === "MAP" ? type.children[0] : undefined;
  return entry ? entry.children[1] : type.children.find(({ element }) => element.name === key);
}

/** Formats an unscaled number, which may be stored as big-endian bytes. */
function formatDecimal(value: unknown, { scale, logical_type: logical }: SchemaElement): unknown {
  const places = scale ?? (logical?.type === "DECIMAL" ? logical.scale : 0);
  const unscaled = value instanceof Uint8Array ? readBigEndian(value) : BigInt(Number(value));
  const exact = typeof value === "bigint" ? value : unscaled;
  const digits = String(exact < 0n ? -exact : exact).padStart(places + 1, "0");
  const fraction = places > 0 ? `.${digits.slice(-places)}` : "";
  return toExactNumber(`${exact < 0n ? "-" : ""}${digits.slice(0, digits.length - places)}${fraction}`);
}

function readBigEndian(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
}

/** Formats months, days, and milliseconds, each a little-endian u32. */
function formatInterval(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [months, days, milliseconds] = [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
  return `P${months}M${days}DT${milliseconds / 1000}S`;
}
