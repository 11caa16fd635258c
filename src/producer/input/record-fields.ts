import { INPUT_PROBLEMS } from "./problems.ts";
import { type Finding, formatLocation } from "./source.ts";

/** Names the file of a record and the fields that hold its id and text. */
export interface RecordContext {
  readonly displayPath: string;
  readonly name: string;
  readonly idField: string;
  /** Absent where records have no text: a document then has an empty text, and the whole record as its metadata. */
  readonly textField: string | undefined;
  /** See `SourceOptions`. */
  readonly metadataFields: readonly string[] | undefined;
}

/**
 * Converts one parsed record to a document or a problem. The id is the string or number of the id field, or
 * "<file>:<line>" for a record without that field. The other fields that are wanted become the metadata; if `metadata`
 * is an object, its fields are included, and top-level fields take precedence over them. `hasUnpairedSurrogate` says that a
 * string in the record is invalid Unicode; the problem names its field.
 */
export function parseRecord(
  record: unknown,
  line: number,
  context: RecordContext,
  hasUnpairedSurrogate = false,
): Finding {
  const toProblem = (message: string): Finding => ({
    problem: { where: formatLocation(context.displayPath, line), message },
  });
  if (!isRecord(record))
    return toProblem(INPUT_PROBLEMS.notAnObject(context.textField ?? context.idField, describeType(record)));
  const id = readId(record, line, context);
  if ("error" in id) return toProblem(id.error);
  const text = context.textField === undefined ? { text: "" } : readText(record, context.textField);
  if ("error" in text) return toProblem(text.error);
  const metadata = context.textField === undefined ? record : readMetadata(record, context);
  // Readers of the output, such as DuckDB, reject the whole file for one unpaired surrogate.
  if (hasUnpairedSurrogate && isIllFormed(metadata))
    return toProblem(INPUT_PROBLEMS.invalidMetadata(findIllFormedField(metadata)));
  return { document: { ...id, ...text, record: true, line, metadata } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

function readId(
  fields: Record<string, unknown>,
  line: number,
  { idField, name }: RecordContext,
): { id: string } | { error: string } {
  if (!Object.hasOwn(fields, idField)) return { id: formatLocation(name, line) };
  const value = fields[idField];
  if (typeof value === "string") {
    if (value === "") return { error: INPUT_PROBLEMS.emptyId(idField) };
    return value.isWellFormed() ? { id: value } : { error: INPUT_PROBLEMS.invalidId(idField) };
  }
  if (JSON.isRawJSON(value) && /^-?\d+$/.test(value.rawJSON)) return { id: value.rawJSON };
  const number = JSON.isRawJSON(value) ? Number(value.rawJSON) : value;
  if (typeof number === "number" && Number.isFinite(number)) return { id: String(number) };
  return { error: INPUT_PROBLEMS.idType(idField, describeType(value)) };
}

function readText(fields: Record<string, unknown>, textField: string): { text: string } | { error: string } {
  if (!Object.hasOwn(fields, textField))
    return { error: INPUT_PROBLEMS.noTextField(textField, formatFieldNames(fields)) };
  const text = fields[textField];
  if (typeof text !== "string")
    return { error: INPUT_PROBLEMS.textType(textField, describeType(text), formatFieldNames(fields)) };
  if (text.trim() === "") return { error: INPUT_PROBLEMS.emptyText(textField) };
  // An unpaired surrogate cannot be sent as UTF-8: the provider would receive another text than the record contains.
  return text.isWellFormed() ? { text } : { error: INPUT_PROBLEMS.invalidText(textField) };
}

function readMetadata(
  fields: Record<string, unknown>,
  { idField, textField, metadataFields }: RecordContext,
): Record<string, unknown> | undefined {
  const metadata: Record<string, unknown> = {};
  if (metadataFields?.length === 0) return undefined;
  const nested = isRecord(fields.metadata) ? fields.metadata : undefined;
  Object.assign(metadata, nested);
  for (const key of Object.keys(fields)) {
    if (key === idField || key === textField || (nested && key === "metadata")) continue;
    metadata[key] = fields[key];
  }
  if (metadataFields !== undefined) {
    const names = metadataFields.flatMap((name) => (name === "metadata" && nested ? Object.keys(nested) : name));
    return pickFields(metadata, names);
  }
  return Object.keys(metadata).length === 0 ? undefined : metadata;
}

/** A note that names the wanted fields that no column has; a "metadata" column may contain any field. */
export function findMissingMetadata(columns: readonly string[], context: RecordContext): Finding | undefined {
  const { displayPath, metadataFields = [] } = context;
  const missing = metadataFields.filter((name) => !columns.includes(name));
  if (missing.length === 0 || columns.includes("metadata")) return undefined;
  return { note: INPUT_PROBLEMS.noMetadataField(displayPath, missing) };
}

function pickFields(
  metadata: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> | undefined {
  const picked: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(metadata, name)) picked[name] = metadata[name];
  return Object.keys(picked).length === 0 ? undefined : picked;
}

/** Returns whether a parsed value contains the key `__proto__`; copying such a field would set an object's prototype. */
export function hasProtoKey(value: unknown): boolean {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== "object" || next === null) continue;
    if (Object.hasOwn(next, "__proto__")) return true;
    for (const inner of Object.values(next)) pending.push(inner);
  }
  return false;
}

/** Returns whether a string or a key anywhere in a parsed value contains an unpaired surrogate. */
export function isIllFormed(value: unknown): boolean {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next === "string" && !next.isWellFormed()) return true;
    if (typeof next !== "object" || next === null) continue;
    if (!Array.isArray(next) && Object.keys(next).some((key) => !key.isWellFormed())) return true;
    for (const inner of Object.values(next)) pending.push(inner);
  }
  return false;
}

function findIllFormedField(metadata: Record<string, unknown> = {}): string {
  const field = Object.keys(metadata).find((key) => !key.isWellFormed() || isIllFormed(metadata[key]));
  return formatFieldNames({ [field ?? "metadata"]: "" });
}

function describeType(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "an array";
  if (JSON.isRawJSON(value)) return "a number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const MAX_SHOWN_FIELDS = 12;
const MAX_SHOWN_CHARACTERS = 40;

/** Lists field names for a message, limited in number and length and without control characters. */
function formatFieldNames(fields: Record<string, unknown>): string {
  const names = Object.keys(fields);
  if (names.length === 0) return "no fields at all";
  const shown = names.slice(0, MAX_SHOWN_FIELDS).map(formatFieldName).join(", ");
  return names.length > MAX_SHOWN_FIELDS ? `${shown} and ${names.length - MAX_SHOWN_FIELDS} more` : shown;
}

function formatFieldName(name: string): string {
  const shown = name.length > MAX_SHOWN_CHARACTERS ? `${name.slice(0, MAX_SHOWN_CHARACTERS)}…` : name;
  return /^[\w.-]+$/.test(shown) ? shown : JSON.stringify(shown);
}
