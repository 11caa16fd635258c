import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatMany, formatPercent } from "#src/cli/format/format-number.ts";
import { formatTable } from "#src/cli/format/format-table.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import { requireManifest } from "#src/cli/wiring/find-run.ts";
import { listenForInterrupt } from "#src/cli/wiring/interrupt.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { type RetrievalMetric, scoreRanking, summarizeRankings } from "#src/evaluation/retrieval/retrieval-metrics.ts";
import { readJudgements } from "#src/producer/retrieval/read-judgements.ts";
import { type Rankings, rankByVectors, readRerankRankings } from "#src/producer/retrieval/read-rankings.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import { toDiskError } from "#src/producer/storage/disk.ts";

const CONFIDENCE = 0.95;
const RETRIEVAL_FILE = "retrieval.json";

export interface RetrievalOptions {
  readonly qrels: string;
  /** Output folder of an embedding run of the queries; absent for a rerank run. */
  readonly queries: string | undefined;
  readonly top: number;
  readonly json: boolean;
}

/** `sluice score --qrels`: scores the rankings of an embedding or rerank run, and writes `retrieval.json`. Makes no call. */
export async function scoreRetrieval(dir: string, { qrels, queries, top, json }: RetrievalOptions): Promise<number> {
  const judgements = await readJudgements(qrels);
  const rankings = await readRankings(dir, queries, top);
  const judged = [...judgements].map(([query, own]) => {
    const ranking = rankings.get(query);
    return { query, ranking, scores: ranking && scoreRanking(ranking, own, top) };
  });
  const scored = judged.flatMap(({ query, scores }) => (scores ? [{ query, ...scores }] : []));
  if (scored.length === 0) {
    const message = "no judged query with a relevant document is in the run; compare the ids of queries in both";
    throw new InputError(message, qrels);
  }
  const results = {
    ...{ top, confidence: CONFIDENCE },
    metrics: summarizeRankings(scored, top, CONFIDENCE),
    queries: scored,
    missing: judged.filter(({ ranking }) => ranking === undefined).map(({ query }) => query),
    withoutRelevant: judged.filter(({ ranking, scores }) => ranking && !scores).map(({ query }) => query),
    unjudged: [...rankings.keys()].filter((query) => !judgements.has(query)).length,
  };
  const path = join(dir, RETRIEVAL_FILE);
  await writeFile(path, `${JSON.stringify(results, undefined, 2)}\n`).catch((error: unknown) => {
    throw toDiskError(error, dir);
  });
  process.stdout.write(json ? `${JSON.stringify(results)}\n` : describeRetrieval(results, path));
  return EXIT_CODES.ok;
}

async function readRankings(dir: string, queries: string | undefined, top: number): Promise<Rankings> {
  const manifest = await requireManifest(dir);
  if (manifest.state !== "finished") throw CLI_ERRORS.runNotFinished(dir, manifest.state);
  if (manifest.kind === "rerank") return await readRerankRankings(dir);
  if (isBatch(manifest)) throw new InputError("contains no embedding or rerank run", dir);
  if (queries === undefined) throw CLI_ERRORS.noQueriesGiven();
  const folder = resolve(queries);
  const asked = await requireManifest(folder);
  if (asked.state !== "finished") throw CLI_ERRORS.runNotFinished(folder, asked.state);
  if (asked.model !== manifest.model)
    throw new InputError(
      `the queries were embedded with ${asked.model}, the documents with ${manifest.model}`,
      "--queries",
    );
  const interrupt = listenForInterrupt();
  try {
    return await rankByVectors(dir, folder, top, interrupt.signal);
  } finally {
    interrupt.dispose();
  }
}

interface DescribedRetrieval {
  readonly metrics: readonly RetrievalMetric[];
  readonly queries: readonly unknown[];
  readonly missing: readonly string[];
  readonly withoutRelevant: readonly string[];
  readonly unjudged: number;
}

function describeRetrieval(results: DescribedRetrieval, path: string): string {
  const { metrics, queries, missing, withoutRelevant, unjudged } = results;
  const rows = metrics.map(({ name, mean, interval: { low, high } }) => [
    name,
    formatPercent(mean),
    Number.isNaN(low) ? "" : `${formatPercent(Math.max(0, low))} to ${formatPercent(Math.min(1, high))}`,
  ]);
  const notes = [
    [missing.length, "judged, but not in the run or failed"],
    [withoutRelevant.length, "without a relevant document"],
    [unjudged, "not judged"],
  ] as const;
  return [
    formatTable([{ title: "metric" }, { title: "mean", align: "right" }, { title: "interval" }], rows),
    `${formatMany(queries.length, "query", "queries")}. Intervals have a confidence of ${formatPercent(CONFIDENCE)}.`,
    ...notes.flatMap(([count, text]) =>
      count > 0 ? [`Not scored: ${formatMany(count, "query", "queries")} ${text}.`] : [],
    ),
    `  ${path}`,
    "",
  ].join("\n");
}
