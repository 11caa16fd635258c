import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { storedResultsSchema } from "#src/evaluation/results/stored-evaluation.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import type { EvaluationView } from "./evaluation-api.ts";

/** A larger file has so many groups that reading it would block the server. */
const MAX_BYTES = 50_000_000;

const count = z.int().nonnegative();
const resultsSchema = storedResultsSchema.extend({
  scoredAt: z.iso.datetime(),
  metrics: z.array(
    z.object({
      dataset: z.string(),
      prompt: z.string(),
      model: z.string(),
      scorer: z.string(),
      range: z.enum(["binary", "fraction", "number"]),
      mean: z.number().nullable(),
      interval: z.object({ low: z.number(), high: z.number() }).nullable(),
      items: count,
      unparseable: count,
      unanswered: count,
      errors: count,
    }),
  ),
});

/** The results of an evaluation, and when their file was written. */
export interface ResultsFile {
  readonly modifiedAt: number;
  readonly view: EvaluationView;
}

/**
 * Reads `results.json` in `dir`, unless it has not changed since `known`. Undefined if there is none, or if it is damaged: the
 * evaluation has not been scored then.
 */
export async function readResults(
  dir: string,
  { run, name }: { readonly run: string; readonly name: string | undefined },
  known?: ResultsFile,
): Promise<ResultsFile | undefined> {
  const path = join(dir, EVALUATION_FILES.results);
  const file = await stat(path).catch(() => undefined);
  if (!file?.isFile() || file.size > MAX_BYTES) return undefined;
  if (known?.modifiedAt === file.mtimeMs) return { ...known, view: { ...known.view, name: name ?? known.view.name } };
  const { data } = resultsSchema.safeParse(await readJsonFile(path));
  if (!data) return undefined;
  const hashes = new Map(data.datasets.map((dataset) => [dataset.name, dataset.sha256]));
  return {
    modifiedAt: file.mtimeMs,
    view: omitUndefined({
      run,
      name: name ?? data.name,
      folder: basename(dir),
      scoredAt: Date.parse(data.scoredAt),
      models: data.models.map(({ label }) => label),
      samples: data.models.reduce((sum, { samples }) => sum + samples.total, 0),
      cost: data.cost,
      scores: data.metrics.map((metric) => ({ ...metric, datasetHash: hashes.get(metric.dataset) ?? "" })),
    }),
  };
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
