import * as z from "zod";
import { parseExactJson } from "#src/core/exact-json.ts";

const METADATA = '"metadata":';

/** The metadata of a row. Not a schema of a record, because that would drop the key `__proto__`. */
export const rowMetadata = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

/**
 * Parses the metadata of a line that a run wrote, with the exact digits of its numbers. It is the last field, and a
 * quote inside a string is escaped, so the first match is the field. Only it is parsed this way, because the vector in
 * front of it would take long. Throws for a line with other metadata.
 */
export function parseLineMetadata(line: string): Readonly<Record<string, unknown>> | undefined {
  const at = line.indexOf(METADATA);
  if (at === -1) return undefined;
  return rowMetadata.parse(parseExactJson(line.slice(at + METADATA.length, line.lastIndexOf("}"))));
}
