/** One answer of a model to one dataset item and prompt. */
export interface Sample {
  /** Id of the dataset item. */
  readonly item: string;
  /** Name of the dataset in the spec. */
  readonly dataset: string;
  /** "provider/model", or the label given in the spec. */
  readonly model: string;
  /** Name of the prompt template. */
  readonly prompt: string;
  /** 1..K of the K samples per item. */
  readonly number: number;
  /** The item's id if the dataset has no cluster field. */
  readonly cluster: string;
  /** Values of the group-by fields. */
  readonly groups: Readonly<Record<string, string>>;
  /** Acceptable answers; scorers that compare take the best one. */
  readonly targets: readonly string[];
  /** The dataset row. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly output: SampleOutput;
  /** Reads the last message of the user, which the model answered. */
  readonly readQuestion?: () => string;
}

/** refused: by the model or a content filter; failed: the call failed after its attempts. Neither is scored. */
export type SampleOutput =
  | AnsweredOutput
  | ({ readonly status: "refused"; readonly text?: string; readonly reason: string } & SampleUsage)
  | { readonly status: "failed"; readonly text?: string; readonly reason: string };

/** What the call of a sample took; what the provider did not report is absent. */
export interface SampleUsage {
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** Of the prompt tokens, those that the provider read from its cache. */
  readonly cachedTokens?: number;
  /** Of the completion tokens. */
  readonly reasoningTokens?: number;
  readonly durationMs?: number;
  /** At the price of the model at that time, in its currency; 0 if no call was needed, absent if the price is unknown. */
  readonly cost?: number;
}

export interface AnsweredOutput extends SampleUsage {
  readonly status: "answered";
  readonly text: string;
  /** Reasoning that the provider returned separately; reasoning inside the text (`<think>`) is recognized by scorers. */
  readonly reasoning?: string;
  readonly toolCalls?: unknown;
  /** OpenAI's names: stop, length, tool_calls, ... */
  readonly finishReason: string;
}

export interface AnsweredSample extends Sample {
  readonly output: AnsweredOutput;
}
