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
  const resultsPath = join(dir, EVALUATION_FILES.results);
  const samplesPath = join(dir, EVALUATION_FILES.samples);
  const text = await describeFailure(resultsPath, () => readFile(resultsPath, "utf8"));
  const results = parseWith(storedResultsSchema, { number: 1, text }, resultsPath);
  if (results === undefined) throw new InputError("the file is empty", resultsPath);
  const rows = new StoredRows();
  let samples = 0;
  await describeFailure(samplesPath, async () => {
    for await (const lines of readLines(createReadStream(samplesPath))) {
      for (const line of lines) {
        const sample = parseWith(storedSampleSchema, line, `${samplesPath}:${line.number}`);
        if (sample === undefined) continue;
        rows.add(sample);
        samples += 1;
      }
    }
  });
  const expected = results.models.reduce((sum, model) => sum + model.samples.total, 0);
  if (samples !== expected)
    throw new InputError(
      `has ${samples} samples, but results.json counts ${expected}; score the folder again`,
      samplesPath,
    );
  return { dir, results, rows };
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
