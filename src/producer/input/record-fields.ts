import { type Finding, formatLocation } from "./source.ts";

/** Which fields of a record are what, and which file the record is in. */
export interface RecordContext {
  readonly displayPath: string;
  readonly name: string;
  readonly idField: string;
  readonly textField: string;
}

/**
 * Turns one parsed record into a document, or into the problem that says what is wrong with it. The id is the id
 * field's string or number, or "<file>:<line>" when the record has no such field; an object field `metadata` and
 * every other field become the metadata, other fields winning over those inside `metadata`.
 */
export function parseRecord(record: unknown, line: number, context: RecordContext): Finding {
  const problem = (message: string): Finding => ({
    problem: { where: formatLocation(context.displayPath, line), message },
  });
  if (typeof record !== "object" || record === null || Array.isArray(record)) {
    return problem(`expected an object with the field "${context.textField}", got ${describeType(record)}`);
  }
  const fields = record as Record<string, unknown>;
  const id = readId(fields, line, context);
  if ("fault" in id) return problem(id.fault);
  const text = fields[context.textField];
  const fault = textFault(fields, context.textField);
  if (fault !== undefined || typeof text !== "string") return problem(fault ?? "has no text");
  const metadata = readMetadata(fields, context);
  const document = { id: id.id, text, record: true, line };
  return { document: metadata === undefined ? document : { ...document, metadata } };
}

function readId(
  fields: Record<string, unknown>,
  line: number,
  { idField, name }: RecordContext,
): { id: string } | { fault: string } {
  if (!Object.hasOwn(fields, idField)) return { id: formatLocation(name, line) };
  const value = fields[idField];
  if (typeof value === "string") {
    if (value === "") return { fault: `the id field "${idField}" is empty` };
    return value.isWellFormed() ? { id: value } : { fault: `the id field "${idField}" holds half a character` };
  }
  if (typeof value === "bigint") return { id: String(value) };
  if (typeof value === "number" && Number.isFinite(value)) {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      return {
        fault: `the id field "${idField}" is a number beyond 2^53, which is not exact; write it as a string`,
      };
    }
    return { id: String(value) };
  }
  return { fault: `the id field "${idField}" must be a string or a number, got ${describeType(value)}` };
}

function textFault(fields: Record<string, unknown>, textField: string): string | undefined {
  if (!Object.hasOwn(fields, textField)) {
    return `no field "${textField}"; it has ${nameFields(fields)} (name the right one with --text-field)`;
  }
  const text = fields[textField];
  if (typeof text !== "string") {
    return `the field "${textField}" must be a string, got ${describeType(text)}; it has ${nameFields(fields)}`;
  }
  if (text.trim() === "") return `the field "${textField}" is empty`;
  // Half a surrogate pair cannot be sent as UTF-8: the upstream would see another text than the record says.
  if (!text.isWellFormed()) return `the field "${textField}" holds half a character (a lone surrogate)`;
  return undefined;
}

function readMetadata(
  fields: Record<string, unknown>,
  { idField, textField }: RecordContext,
): Record<string, unknown> | undefined {
  const metadata: Record<string, unknown> = {};
  const nested = fields.metadata;
  const isNested = typeof nested === "object" && nested !== null && !Array.isArray(nested);
  if (isNested) Object.assign(metadata, nested);
  for (const key of Object.keys(fields)) {
    if (key === idField || key === textField || (isNested && key === "metadata")) continue;
    metadata[key] = fields[key];
  }
  return Object.keys(metadata).length === 0 ? undefined : metadata;
}

/** True when the key `__proto__` is anywhere in a parsed value; copying such a field would change an object's nature. */
export function hasProtoKey(value: unknown): boolean {
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== "object" || next === null) continue;
    if (Object.hasOwn(next, "__proto__")) return true;
    for (const inner of Object.values(next)) waiting.push(inner);
  }
  return false;
}

export const PROTO_KEY_FAULT = 'the key "__proto__" is not accepted; rename the field';

function describeType(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const SHOWN_FIELDS = 12;
const SHOWN_FIELD_CHARACTERS = 40;

/** Field names for a message: not too many, none too long, no control characters. */
function nameFields(fields: Record<string, unknown>): string {
  const names = Object.keys(fields);
  if (names.length === 0) return "no fields at all";
  const displayPath = names.slice(0, SHOWN_FIELDS).map(nameField).join(", ");
  return names.length > SHOWN_FIELDS ? `${displayPath} and ${names.length - SHOWN_FIELDS} more` : displayPath;
}

function nameField(name: string): string {
  const cut = name.length > SHOWN_FIELD_CHARACTERS ? `${name.slice(0, SHOWN_FIELD_CHARACTERS)}…` : name;
  return /^[\w.-]+$/.test(cut) ? cut : JSON.stringify(cut);
}
