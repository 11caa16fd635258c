/** Stands for a string that is not UTF-8. */
export const UNDECODABLE = Symbol("undecodable");

/**
 * A record whose values are all plain JSON: big integers become numbers where exact and strings where not, dates
 * ISO strings, bytes base64. The id keeps a big integer, which is exact as it is. A null id or text stays null.
 */
export function toJsonRecord(
  record: Readonly<Record<string, unknown>>,
  idField: string,
): Record<string, unknown> | typeof UNDECODABLE {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    const converted = key === idField && typeof value === "bigint" ? value : toJsonValue(value);
    if (converted === UNDECODABLE) return UNDECODABLE;
    plain[key] = converted;
  }
  return plain;
}

function toJsonValue(value: unknown): unknown {
  if (value === UNDECODABLE) return UNDECODABLE;
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value !== "object") return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, toJsonValue);
  const inner = Array.isArray(value) ? value.map(toJsonValue) : mapValues(value);
  return inner;
}

function mapValues(value: object): Record<string, unknown> | typeof UNDECODABLE {
  const plain: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const converted = toJsonValue(inner);
    if (converted === UNDECODABLE) return UNDECODABLE;
    Object.defineProperty(plain, key, {
      value: converted,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return plain;
}
