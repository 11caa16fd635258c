/**
 *   GET /api/evaluations         viewer  -> EvaluationList
 *   GET /api/evaluations/:run    viewer  -> EvaluationView
 */

export interface EvaluationScore {
  readonly dataset: string;
  /** SHA-256 of the dataset's file. */
  readonly datasetHash: string;
  readonly prompt: string;
  /** Label of the model. */
  readonly model: string;
  readonly scorer: string;
  /** Rates and fractions are shares from 0 to 1; numbers have a unit of their own. */
  readonly range: "binary" | "fraction" | "number";
  /** Null if no item has a score. */
  readonly mean: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** Items with a score, and why others have none. */
  readonly items: number;
  readonly unparseable: number;
  readonly unanswered: number;
  readonly errors: number;
}

/** The results of an evaluation that has been scored. */
export interface EvaluationView {
  readonly run: string;
  /** Of the run, if a user gave it one; otherwise of the spec. */
  readonly name: string;
  /** Last part of the path of its output folder. */
  readonly folder: string;
  /** Of the last scoring, epoch ms. */
  readonly scoredAt: number;
  readonly models: readonly string[];
  /** Answers, refusals, and failures. */
  readonly samples: number;
  readonly cost?: { readonly amount: number; readonly currency: string };
  readonly scores: readonly EvaluationScore[];
}

export interface EvaluationList {
  readonly at: number;
  /** Newest first. */
  readonly evaluations: readonly EvaluationView[];
}
