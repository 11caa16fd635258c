import { rename } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { errorCode } from "#src/core/failures/errors.ts";
import type { EvaluationFindings } from "#src/evaluation/results/results.ts";
import { Scoreboard, type ScoredSample } from "#src/evaluation/results/scoreboard.ts";
import type { Sample } from "#src/evaluation/sample.ts";
import type { Score } from "#src/evaluation/score.ts";
import type { Scorer } from "#src/evaluation/scorer.ts";
import { JsonlFile } from "#src/producer/output/jsonl-file.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import type { ModelPrices } from "#src/producer/runs/progress/run-costs.ts";
import { systemDisk, toDiskError } from "#src/producer/storage/disk.ts";
import { RunReader } from "#src/producer/storage/run-reader.ts";
import { ModelCounter } from "./model-counter.ts";
import { PreviousScores, type ScoreChanges } from "./previous-scores.ts";
import { ScorerCallCounter, type ScorerCallResult } from "./scorer-calls/count-scorer-calls.ts";
import type { StoredCalls } from "./scorer-calls/stored-calls.ts";
import type { EvaluationSpec } from "./spec/evaluation-spec.ts";
import { isAnswered, toSample } from "./to-sample.ts";

export interface ScoreRunOptions {
  readonly spec: EvaluationSpec;
  readonly scorers: readonly Scorer[];
  /** The answers to the calls of scorers. */
  readonly answers: StoredCalls;
  /** Of the models that were asked and those of scorers, by "provider/model". */
  readonly prices: ModelPrices;
  readonly signal: AbortSignal;
}

export interface ScoredRun {
  readonly findings: EvaluationFindings;
  /** One entry for each scorer that needs calls. */
  readonly scorerCalls: readonly ScorerCallResult[];
  readonly changes: ScoreChanges | undefined;
}

/** Samples that are scored at the same time; scorers with processes of their own run that many. */
const SAMPLES_PER_BLOCK = 200;

/**
 * Scores the answers of the complete run in `dir` and writes `samples.jsonl`, with one line per sample in the order of the plan.
 * Makes no call. `changes` compares with the last scoring, if there was one. Rejects with a RunError if the run is not complete.
 */
export async function scoreRun(
  dir: string,
  { spec, scorers, answers, prices, signal }: ScoreRunOptions,
): Promise<ScoredRun> {
  const { reduce: reduction, baseline, confidence } = spec;
  const ranges = new Map(scorers.map(({ name, range }) => [name, range]));
  const board = new Scoreboard({ scorers: ranges, reduction, baseline, confidence });
  const models = new ModelCounter(spec.models, prices);
  const calls = new ScorerCallCounter(scorers, answers, prices);
  const path = join(dir, EVALUATION_FILES.samples);
  let changes: ScoreChanges | undefined;
  try {
    const previous = PreviousScores.open(path);
    const file = await JsonlFile.create(systemDisk, `${path}.tmp`);
    try {
      for await (const scoredSamples of scoreItems(dir, { scorers, prices, signal })) {
        board.add(scoredSamples.map(({ scored }) => scored));
        for (const { id, scored } of scoredSamples) {
          models.add(scored.sample);
          if (isAnswered(scored.sample)) calls.add(scored.sample);
          const line = formatSample(id, scored);
          await file.addText(line);
          await previous?.compare(id, scored.scores);
        }
      }
      await file.finish();
      changes = previous?.changes();
    } finally {
      await previous?.close();
      await file.close();
    }
    await rename(`${path}.tmp`, path);
  } catch (error) {
    throw errorCode(error) === undefined ? error : toDiskError(error, dir);
  }
  return { findings: { models: models.results(), ...board.findings() }, scorerCalls: calls.results(), changes };
}

interface IdentifiedSample {
  readonly id: string;
  readonly scored: ScoredSample;
}

/** Yields the samples of each item, model, and prompt together. */
async function* scoreItems(
  dir: string,
  { scorers, prices, signal }: Pick<ScoreRunOptions, "scorers" | "prices" | "signal">,
): AsyncGenerator<readonly IdentifiedSample[]> {
  const reader = new RunReader(dir);
  try {
    let pending: IdentifiedSample[] = [];
    for (let from = 0; ; from += SAMPLES_PER_BLOCK) {
      signal.throwIfAborted();
      const rows = reader.read(from, SAMPLES_PER_BLOCK);
      const block = await Promise.all(
        rows.map(async (row) => ({
          id: row.item.id,
          scored: await scoreSample(toSample(row, prices), scorers, signal),
        })),
      );
      for (const entry of block) {
        const [first] = pending;
        if (first && !isSameItem(first.scored.sample, entry.scored.sample)) {
          yield pending;
          pending = [];
        }
        pending.push(entry);
      }
      if (rows.length < SAMPLES_PER_BLOCK) break;
      await setImmediate();
    }
    if (pending.length > 0) yield pending;
  } finally {
    reader.close();
  }
}

async function scoreSample(sample: Sample, scorers: readonly Scorer[], signal: AbortSignal): Promise<ScoredSample> {
  if (!isAnswered(sample)) return { sample, scores: undefined };
  const scores = new Map<string, Score>();
  for (const scorer of scorers) {
    const score = scorer.score(sample, signal);
    scores.set(scorer.name, score instanceof Promise ? await score : score);
  }
  return { sample, scores };
}

function isSameItem(a: Sample, b: Sample): boolean {
  return a.item === b.item && a.model === b.model && a.prompt === b.prompt && a.dataset === b.dataset;
}

function formatSample(id: string, { sample, scores }: ScoredSample): string {
  const { fields: _, output, number, ...rest } = sample;
  return `${JSON.stringify({ id, ...rest, sample: number, ...output, scores: scores && Object.fromEntries(scores) })}\n`;
}
