import { type Line, readLines } from "./read-lines.ts";
import { findRecord, holdsProtoKey, PROTO_KEY_FAULT, type RecordContext } from "./record-fields.ts";
import { type Finding, formatPlace } from "./source.ts";

/** Reads one JSON object per line; blank lines are nothing, every bad line is a problem of its own. */
export async function* readJsonl(
  bytes: AsyncIterable<Buffer>,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  for await (const lines of readLines(bytes)) {
    const findings: Finding[] = [];
    for (const line of lines) {
      const finding = findLine(line, context);
      if (finding !== undefined) findings.push(finding);
    }
    yield findings;
  }
}

/** Either spelling of an underscore in a JSON string; without one of them no key can be `__proto__`. */
const MAYBE_PROTO = /__proto__|\\u005f/i;

function findLine(line: Line, context: RecordContext): Finding | undefined {
  const problem = (message: string): Finding => ({
    problem: { where: formatPlace(context.shown, line.number), message },
  });
  if ("fault" in line) return problem(line.fault);
  if (line.text.trim() === "") return undefined;
  let record: unknown;
  try {
    record = JSON.parse(line.text);
  } catch (error) {
    return problem(describeJsonError(error));
  }
  if (MAYBE_PROTO.test(line.text) && holdsProtoKey(record)) return problem(PROTO_KEY_FAULT);
  return findRecord(record, line.number, context);
}

/** The engine's own message quotes the text, so only the position is taken from it. */
function describeJsonError(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `not valid JSON (column ${Number(position) + 1})`;
  if (message.includes("Unexpected end")) return "not valid JSON: the line ends too soon";
  return "not valid JSON; expected one object per line";
}
