import { createReadStream } from "node:fs";
import { describeReadError, formatPath } from "#src/core/describe-path.ts";
import { describeSchemaIssue } from "#src/core/describe-schema-issue.ts";
import { errorCode, InputError } from "#src/core/failures/errors.ts";
import { parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";
import { type SimulatorAnswer, scriptedAnswerSchema } from "#src/simulator/chat/scripted-answers.ts";

/** Reads a JSONL file of answers. Rejects with an InputError that names the file and the line. */
export async function readAnswers(path: string): Promise<SimulatorAnswer[]> {
  const answers: SimulatorAnswer[] = [];
  try {
    for await (const lines of readLines(createReadStream(path)))
      for (const line of lines) answers.push(...parseAnswer(line, `${path}:${line.number}`));
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new InputError(`cannot be read: ${describeReadError(error)}`, path);
  }
  return answers;
}

function parseAnswer(line: Line, where: string): SimulatorAnswer[] {
  const parsed = parseJsonLine(line);
  if (parsed === undefined) return [];
  if ("error" in parsed) throw new InputError(parsed.error, where);
  const { success, data, error } = scriptedAnswerSchema.safeParse(parsed.value);
  if (success) return [data];
  const [issue] = error.issues;
  const place = issue?.path.length ? `${formatPath(issue.path)}: ` : "";
  throw new InputError(`${place}${issue ? describeSchemaIssue(issue) : "invalid"}`, where);
}
