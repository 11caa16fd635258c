/** A model call that a scorer needs. Equal calls are made once, and their answers are kept with the run. */
export interface ScorerCall {
  readonly endpoint: "/v1/chat/completions" | "/v1/embeddings";
  /** "provider/model" */
  readonly model: string;
  /** Fields of OpenAI's request body besides the model. */
  readonly body: Readonly<Record<string, unknown>>;
}

export type CallAnswer =
  | { readonly status: "answered"; readonly text: string }
  | { readonly status: "embedded"; readonly vector: Float32Array }
  | { readonly status: "refused" | "failed"; readonly reason: string };

/** The answer to a call; undefined if it was not made yet. */
export type FindCallAnswer = (call: ScorerCall) => CallAnswer | undefined;

/** What scorers with calls get from their registry. */
export interface CallResources {
  readonly findAnswer: FindCallAnswer;
  /** The full name of a model of this kind, or why it cannot be called with these fields of the request body. */
  readonly resolveModel: (
    model: string,
    kind: "chat" | "embedding",
    body: Readonly<Record<string, unknown>>,
  ) => { readonly name: string } | { readonly problem: string };
}

/** How the calls of a scorer ended, over all samples; without those that were not made yet. */
export interface JudgeCounts {
  /** "provider/model" */
  readonly model: string;
  readonly verdicts: number;
  /** Answers out of which no verdict could be read. */
  readonly unparseable: number;
  readonly refused: number;
  readonly failed: number;
}

/** What is known about the judges of a scorer once all samples are scored. */
export interface JudgeReport {
  readonly judges: readonly JudgeCounts[];
  /** Krippendorff's alpha of several judges; null where it is undefined. */
  readonly agreement?: number | null;
  /** Pairwise judgements in both orders. */
  readonly positions?: PositionCounts;
}

export interface PositionCounts {
  /** Pairs with readable verdicts in both orders, summed over the judges. */
  readonly pairs: number;
  /** Of the pairs, those in which the judge preferred whichever answer came first, or second, in both orders. */
  readonly first: number;
  readonly second: number;
}
