/** Reading parsed JSON of unknown shape: each reader answers undefined for what is not there or of another type. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readObject(value: unknown, field: string): JsonObject | undefined {
  const found = readField(value, field);
  return isObject(found) ? found : undefined;
}

/** An own field; what a prototype has is nothing the upstream sent. */
export function readField(value: unknown, field: string): unknown {
  return isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
}

/** Text that is not empty. */
export function readText(value: unknown, field: string): string | undefined {
  const found = readField(value, field);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** A count as providers report it: an integer from 0. */
export function readCount(value: unknown, field: string): number | undefined {
  const found = readField(value, field);
  return typeof found === "number" && Number.isSafeInteger(found) && found >= 0 ? found : undefined;
}

/** The object that the JSON text is; undefined for everything else. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
