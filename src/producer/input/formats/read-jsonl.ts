import { parseExactJson } from "#src/core/exact-json.ts";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { hasProtoKey, isIllFormed, parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation } from "#src/producer/input/source.ts";
import { type Line, readLines } from "./read-lines.ts";

/** Reads one JSON object per line. Blank lines are ignored; every invalid line is a problem. */
export async function* readJsonl(
  bytes: AsyncIterable<Buffer>,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  for await (const lines of readLines(bytes)) {
    yield lines.flatMap((line) => parseRecordLine(line, context) ?? []);
  }
}

/** Matches both spellings of an underscore in a JSON string; without a match no key can be `__proto__`. */
const MAYBE_PROTO = /__proto__|\\u005f/i;

/** Matches escapes of surrogates; bytes that are valid UTF-8 contain no other ones. */
const MAYBE_SURROGATE = /\\u[dD][89a-fA-F]/;

/** Converts one JSON value to a document or a problem; returns undefined for a blank line. */
export function parseRecordLine(line: Line, context: RecordContext): Finding | undefined {
  const parsed = parseJsonLine(line, parseExactJson);
  if (parsed === undefined) return undefined;
  if ("value" in parsed)
    return parseRecord(parsed.value, line.number, context, hasUnpairedSurrogate(line, parsed.value));
  return { problem: { where: formatLocation(context.displayPath, line.number), message: parsed.error } };
}

/** Returns whether a string or a key of a line's value contains an unpaired surrogate, which is invalid Unicode. */
export function hasUnpairedSurrogate(line: Line, value: unknown): boolean {
  return "text" in line && MAYBE_SURROGATE.test(line.text) && isIllFormed(value);
}

/** Parses the JSON of a line. Returns an error that quotes none of its text, or undefined for a blank line. */
export function parseJsonLine(
  line: Line,
  parse: (text: string) => unknown = (text) => JSON.parse(text),
): { readonly value: unknown } | { readonly error: string } | undefined {
  if ("error" in line) return line;
  if (line.text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = parse(line.text);
  } catch (error) {
    return { error: describeJsonError(error) };
  }
  if (MAYBE_PROTO.test(line.text) && hasProtoKey(value)) return { error: INPUT_PROBLEMS.protoKey };
  return { value };
}

/** Takes only the position from the engine's message, which quotes the text. */
function describeJsonError(error: unknown): string {
  if (error instanceof RangeError) return INPUT_PROBLEMS.tooDeep;
  const message = error instanceof Error ? error.message : "";
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return INPUT_PROBLEMS.invalidJson(Number(position) + 1);
  return message.includes("Unexpected end") ? INPUT_PROBLEMS.incompleteJson : INPUT_PROBLEMS.notJson;
}
