import type { ScoreRange } from "#src/evaluation/scorer.ts";
import type { Interval } from "#src/evaluation/statistics/intervals.ts";

/** What an evaluation found; `results.json` contains it together with what is needed to reproduce it. */
export interface EvaluationFindings {
  readonly models: readonly ModelResult[];
  readonly metrics: readonly Metric[];
  /** Each model against the baseline, for every metric. Empty without a baseline. */
  readonly comparisons: readonly MetricComparison[];
}

/** How the calls of a model ended, over all datasets and prompts. */
export interface ModelResult {
  readonly label: string;
  /** "provider/model" */
  readonly model: string;
  readonly samples: SampleCounts;
  /** Tokens and cost are those of answers and refusals, also of those that needed no call; failed calls report none. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of the completion tokens. */
  readonly reasoningTokens: number;
  /** Undefined if the price is unknown. */
  readonly cost?: { readonly amount: number; readonly currency: string } | undefined;
  /** Of the calls whose duration is known, ms: one at a time, they would have taken `totalDurationMs`. */
  readonly medianDurationMs?: number | undefined;
  readonly p95DurationMs?: number | undefined;
  readonly totalDurationMs: number;
}

/** `refused`: by the model or a content filter. Neither refused nor failed samples have scores. */
export interface SampleCounts {
  readonly total: number;
  readonly answered: number;
  readonly refused: number;
  readonly failed: number;
}

/** Which answers a metric is about. */
export interface MetricKey {
  readonly dataset: string;
  readonly prompt: string;
  /** Label of the model. */
  readonly model: string;
  readonly scorer: string;
}

/** The mean of the items' scores. */
export interface Metric extends MetricKey, Estimate {
  readonly range: ScoreRange;
  /** Items without any answer, because calls failed or the model refused. */
  readonly unanswered: number;
  /** Those of `unanswered` that the model refused, or whose answer a content filter cut off. */
  readonly refused: number;
  /** Answered items out of whose answers nothing could be read. */
  readonly unparseable: number;
  /** Answered items that the scorer could not score. */
  readonly errors: number;
  /** Why the first of them could not be scored. */
  readonly firstError?: { readonly item: string; readonly reason: string };
  readonly groups: readonly GroupMetric[];
}

export interface GroupMetric extends Estimate {
  readonly field: string;
  readonly value: string;
}

export interface Estimate {
  /** Items with a score. */
  readonly items: number;
  /** Null without items. */
  readonly mean: number | null;
  /** Null with fewer than two items or clusters. */
  readonly standardError: number | null;
  /** Null where it cannot be computed. */
  readonly interval: Interval | null;
}

/** `model` minus `baseline`, on the items that both have a score for. */
export interface MetricComparison extends MetricKey {
  readonly range: ScoreRange;
  readonly baseline: string;
  readonly items: number;
  readonly difference: number;
  readonly interval: Interval | null;
  readonly pValue: number;
  /** Corrected for the number of comparisons (Holm). */
  readonly adjustedPValue: number;
  readonly test: "mcnemar" | "permutation";
  readonly won: number;
  readonly lost: number;
  readonly tied: number;
  /** Items needed to show a difference as large as the observed one; null if there is none. */
  readonly itemsNeeded: number | null;
}
