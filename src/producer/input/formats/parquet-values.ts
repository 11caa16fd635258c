/** Marks a string that is not valid UTF-8. */
export const INVALID_STRING = Symbol("invalid string");

/**
 * Converts a record to plain JSON values: big integers become numbers where exact and strings otherwise, dates ISO
 * strings, bytes base64. The id keeps a big integer, which is exact. A null id or text stays null.
 */
export function toJsonRecord(
  record: Readonly<Record<string, unknown>>,
  idField: string,
): Record<string, unknown> | typeof INVALID_STRING {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    const converted = key === idField && typeof value === "bigint" ? value : toJsonValue(value);
    if (converted === INVALID_STRING) return INVALID_STRING;
    plain[key] = converted;
  }
  return plain;
}

function toJsonValue(value: unknown): unknown {
  if (value === INVALID_STRING) return INVALID_STRING;
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value !== "object") return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, toJsonValue);
  return Array.isArray(value) ? value.map(toJsonValue) : toJsonObject(value);
}

function toJsonObject(value: object): Record<string, unknown> | typeof INVALID_STRING {
  const plain: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const converted = toJsonValue(inner);
    if (converted === INVALID_STRING) return INVALID_STRING;
    // An assignment to the key "__proto__" would set the prototype.
    Object.defineProperty(plain, key, { value: converted, enumerable: true, writable: true, configurable: true });
  }
  return plain;
}
