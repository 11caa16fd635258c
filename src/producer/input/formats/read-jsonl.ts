import { hasProtoKey, PROTO_KEY_FAULT, parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation } from "#src/producer/input/source.ts";
import { type Line, readLines } from "./read-lines.ts";

/** Reads one JSON object per line; blank lines are nothing, every bad line is a problem of its own. */
export async function* readJsonl(
  bytes: AsyncIterable<Buffer>,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  for await (const lines of readLines(bytes)) {
    const findings: Finding[] = [];
    for (const line of lines) {
      const finding = parseRecordLine(line, context);
      if (finding !== undefined) findings.push(finding);
    }
    yield findings;
  }
}

/** Either spelling of an underscore in a JSON string; without one of them no key can be `__proto__`. */
const MAYBE_PROTO = /__proto__|\\u005f/i;

function parseRecordLine(line: Line, context: RecordContext): Finding | undefined {
  const problem = (message: string): Finding => ({
    problem: { where: formatLocation(context.displayPath, line.number), message },
  });
  const parsed = parseLine(line);
  if (parsed === undefined) return undefined;
  if ("fault" in parsed) return problem(parsed.fault);
  return parseRecord(parsed.value, line.number, context);
}

/** The JSON of a line, or what is wrong with it, in words that quote none of its text; undefined for a blank line. */
export function parseLine(line: Line): { readonly value: unknown } | { readonly fault: string } | undefined {
  if ("fault" in line) return line;
  if (line.text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    return { fault: describeJsonError(error) };
  }
  if (MAYBE_PROTO.test(line.text) && hasProtoKey(value)) return { fault: PROTO_KEY_FAULT };
  return { value };
}

/** The engine's own message quotes the text, so only the position is taken from it. */
function describeJsonError(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `not valid JSON (column ${Number(position) + 1})`;
  if (message.includes("Unexpected end")) return "not valid JSON: the line ends too soon";
  return "not valid JSON; expected one object per line";
}
