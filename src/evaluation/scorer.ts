import type { AnsweredSample } from "./sample.ts";
import type { Score } from "./score.ts";
import type { JudgeReport, ScorerCall } from "./scorer-call.ts";

/** A scorer with its options applied. */
export interface Scorer {
  /** Name in the spec, unique. */
  readonly name: string;
  /** exact, numeric, ... */
  readonly type: string;
  /** binary: 0 or 1; fraction: 0 to 1; number: any finite number. */
  readonly range: ScoreRange;
  /** Never throws or rejects for a bad answer or a failing user function. Rejects with the signal's reason once it aborts. */
  score(sample: AnsweredSample, signal?: AbortSignal): Score | Promise<Score>;
  /** The model calls that `score` needs the answers of; empty where it needs none. Absent for scorers without calls. */
  readonly calls?: ((sample: AnsweredSample) => readonly ScorerCall[]) | undefined;
  /** About the samples that were scored so far; absent for scorers without judges. */
  readonly report?: (() => JudgeReport) | undefined;
}

export type ScoreRange = "binary" | "fraction" | "number";

export interface ScorerType {
  readonly type: string;
  /** One line for help and docs. */
  readonly summary: string;
  readonly options: readonly ScorerOption[];
  /** Checks the options; all problems are reported at once. */
  create(name: string, options: unknown): CreatedScorer;
}

/** An option of a scorer type, for help and docs. */
export interface ScorerOption {
  readonly name: string;
  readonly description: string;
  /** JSON text; undefined if the option has no default. */
  readonly default: string | undefined;
  readonly isRequired: boolean;
}

export type CreatedScorer =
  | { readonly scorer: Scorer; readonly problems?: undefined }
  | { readonly scorer?: undefined; readonly problems: readonly OptionProblem[] };

/** A problem of an option; the path is relative to the options, and empty for the options as a whole. */
export interface OptionProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}
