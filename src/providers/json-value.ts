/** Reads parsed JSON of unknown shape: every reader returns undefined for a missing field or another type. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readObject(value: unknown, field: string): JsonObject | undefined {
  const found = readField(value, field);
  return isObject(found) ? found : undefined;
}

/** An own field. Inherited properties were not sent by the upstream. */
export function readField(value: unknown, field: string): unknown {
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

/** A non-empty string. */
export function readText(value: unknown, field: string): string | undefined {
  const found = readField(value, field);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** A non-negative integer. */
export function readCount(value: unknown, field: string): number | undefined {
  const found = readField(value, field);
  return typeof found === "number" && Number.isSafeInteger(found) && found >= 0 ? found : undefined;
}

/** Parses a JSON object; undefined for any other text. */
export function parseObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isObject(value) ? value : undefined;
}

/** Parses a JSON object, or a list of one, in which Google APIs send errors in a stream; undefined for any other text. */
export function parseOnlyObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return isObject(only) ? only : undefined;
}

/** Parses JSON; undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
