import { createReadStream } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { InputError, RunError } from "#src/core/failures/errors.ts";
import { parseJsonLine } from "#src/producer/input/formats/read-jsonl.ts";
import { readLines } from "#src/producer/input/formats/read-lines.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { findNearestIds } from "#src/producer/search/nearest.ts";
import { openResult } from "#src/producer/search/open-result.ts";

/** Ids of documents, the best first, by the id of the query. */
export type Rankings = ReadonlyMap<string, readonly string[]>;

const rerankLine = z.object({
  id: z.string(),
  results: z.array(z.object({ index: z.coerce.number(), id: z.string().optional() })),
});

/** The rankings in the output of a rerank run. Documents without an id are named by their position, from 0. */
export async function readRerankRankings(dir: string): Promise<Rankings> {
  const path = join(dir, RESULT_FILES.batch);
  const rankings = new Map<string, readonly string[]>();
  for await (const lines of readLines(createReadStream(path)))
    for (const line of lines) {
      const parsed = parseJsonLine(line);
      if (parsed === undefined) continue;
      const value: unknown = "error" in parsed ? undefined : JSON.parse(JSON.stringify(parsed.value));
      const { success, data } = rerankLine.safeParse(value);
      if (!success) throw new InputError("is not a line of a rerank run", `${path}:${line.number}`);
      const ids = data.results.map(({ id, index }) => id ?? String(index));
      rankings.set(data.id, ids);
    }
  return rankings;
}

/** Queries whose vectors are compared at once with those of the documents; more need more memory, fewer more passes. */
const QUERIES_PER_PASS = 1_000;

/** The nearest `k` documents to every query, by the cosine of the vectors of two embedding runs. Failed queries have no ranking. */
export async function rankByVectors(
  documents: string,
  queries: string,
  k: number,
  signal: AbortSignal,
): Promise<Rankings> {
  const rankings = new Map<string, readonly string[]>();
  let pending: { readonly id: string; readonly vector: Float32Array }[] = [];
  const rankPending = async () => {
    const found = await findNearestIds(
      documents,
      pending.map(({ vector }) => vector),
      k,
      { signal },
    );
    for (const [i, { id }] of pending.entries()) rankings.set(id, found[i] ?? []);
    pending = [];
  };
  const result = await openResult(queries);
  const { dimensions } = result;
  for await (const { items, vectors } of result.blocks({ signal }))
    for (const [i, { id, status }] of items.entries()) {
      if (status !== "ok") continue;
      pending.push({ id, vector: vectors.slice(i * dimensions, (i + 1) * dimensions) });
      if (pending.length === QUERIES_PER_PASS) await rankPending();
    }
  if (pending.length > 0) await rankPending();
  if (rankings.size === 0) throw new RunError(`the run in ${queries} has no vectors of queries`);
  return rankings;
}
