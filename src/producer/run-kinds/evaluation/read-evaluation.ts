import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { describeReadError, formatPath } from "#src/core/describe-path.ts";
import { describeSchemaIssue } from "#src/core/describe-schema-issue.ts";
import { errorCode, InputError } from "#src/core/failures/errors.ts";
import {
  type StoredEvaluation,
  StoredRows,
  storedResultsSchema,
  storedSampleSchema,
} from "#src/evaluation/results/stored-evaluation.ts";
import { parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";

/** Reads `results.json` and `samples.jsonl` in `dir`. Rejects with an InputError that names the file, and the line if it is one. */
export async function readEvaluation(dir: string): Promise<StoredEvaluation> {
  const results = await readStoredResults(dir, storedResultsSchema);
  const rows = new StoredRows();
  let samples = 0;
  for await (const block of readStoredSamples(dir, storedSampleSchema)) {
    for (const { value } of block) rows.add(value);
    samples += block.length;
  }
  const expected = results.models.reduce((sum, model) => sum + model.samples.total, 0);
  if (samples !== expected)
    throw new InputError(
      `has ${samples} samples, but results.json counts ${expected}; score the folder again`,
      join(dir, EVALUATION_FILES.samples),
    );
  return { dir, results, rows };
}

/** Reads `results.json` in `dir`. Rejects with an InputError. */
export async function readStoredResults<T>(dir: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(dir, EVALUATION_FILES.results);
  const text = await describeFailure(path, () => readFile(path, "utf8"));
  const results = parseWith(schema, { number: 1, text }, path);
  if (results === undefined) throw new InputError("the file is empty", path);
  return results;
}

/** Yields the lines of `samples.jsonl` in `dir` in blocks, with their size. Rejects with an InputError. */
export async function* readStoredSamples<T>(
  dir: string,
  schema: z.ZodType<T>,
): AsyncGenerator<readonly { readonly value: T; readonly chars: number }[]> {
  const path = join(dir, EVALUATION_FILES.samples);
  const blocks = readLines(createReadStream(path));
  for (;;) {
    const { value: lines, done } = await describeFailure(path, () => blocks.next());
    if (done) return;
    yield lines.flatMap((line) => {
      const value = parseWith(schema, line, `${path}:${line.number}`);
      return value === undefined ? [] : [{ value, chars: "text" in line ? line.text.length : 0 }];
    });
  }
}

/** Undefined for a blank line. */
function parseWith<T>(schema: z.ZodType<T>, line: Line, where: string): T | undefined {
  const parsed = parseJsonLine(line);
  if (parsed === undefined) return undefined;
  if ("error" in parsed) throw new InputError(parsed.error, where);
  const { success, data, error } = schema.safeParse(parsed.value);
  if (success) return data;
  const [issue] = error.issues;
  throw new InputError(`${formatPath(issue?.path ?? [])}: ${issue ? describeSchemaIssue(issue) : "invalid"}`, where);
}

async function describeFailure<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new InputError(
      `cannot be read: ${describeReadError(error)}; expected the output folder of an evaluation`,
      path,
    );
  }
}
