import { createReadStream } from "node:fs";
import * as z from "zod";
import { describeReadError } from "#src/core/describe-path.ts";
import { errorCode, InputError } from "#src/core/failures/errors.ts";
import type { Judgements } from "#src/evaluation/retrieval/retrieval-metrics.ts";
import { parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { type Line, readLines } from "#src/producer/input/formats/read-lines.ts";

interface Judgement {
  readonly query: string;
  readonly document: string;
  readonly grade: number;
}

const id = z.union([z.string().min(1), z.number().transform(String)]);
const jsonSchema = z.object({ query: id, document: id, relevance: z.number().default(1) });
const FORMS =
  'expected {"query", "document", "relevance"} as JSON, "query document relevance", or "query 0 document relevance"';

/**
 * Reads relevance judgements, by query: JSONL, the TSV files of BEIR with their header, and qrels files of TREC. Rejects with an
 * InputError that names the file and the line.
 */
export async function readJudgements(path: string): Promise<ReadonlyMap<string, Judgements>> {
  const found = new Map<string, Map<string, number>>();
  try {
    for await (const lines of readLines(createReadStream(path)))
      for (const line of lines) {
        const judgement = readJudgement(line, `${path}:${line.number}`);
        if (judgement === undefined) continue;
        const { query, document, grade } = judgement;
        const own = found.get(query) ?? new Map<string, number>();
        if (own.has(document))
          throw new InputError("this document was judged for this query before", `${path}:${line.number}`);
        found.set(query, own.set(document, grade));
      }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    throw new InputError(`cannot be read: ${describeReadError(error)}`, path);
  }
  if (found.size === 0) throw new InputError("contains no judgements", path);
  return found;
}

/** Undefined for blank lines and a header. */
function readJudgement(line: Line, where: string): Judgement | undefined {
  if ("error" in line) throw new InputError(line.error, where);
  const text = line.text.trim();
  if (text === "") return undefined;
  if (text.startsWith("{")) return readJsonJudgement(line, where);
  const parts = text.split(text.includes("\t") ? "\t" : /\s+/).map((part) => part.trim());
  const [query = "", ...others] = parts;
  const [document = "", grade = ""] = others.slice(-2);
  const isHeader = line.number === 1 && /^(?:score|relevance|rel|label)$/i.test(grade);
  if (isHeader) return undefined;
  if ((parts.length !== 3 && parts.length !== 4) || grade === "" || !Number.isFinite(Number(grade)))
    throw new InputError(FORMS, where);
  return { query, document, grade: Number(grade) };
}

function readJsonJudgement(line: Line, where: string): Judgement {
  const parsed = parseJsonLine(line);
  if (parsed !== undefined && "error" in parsed) throw new InputError(parsed.error, where);
  const { success, data } = jsonSchema.safeParse(toPlainJson(parsed?.value));
  if (!success) throw new InputError(FORMS, where);
  return { query: data.query, document: data.document, grade: data.relevance };
}

/** Numbers as JavaScript has them: the reader keeps their digits. */
function toPlainJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? "null");
}
