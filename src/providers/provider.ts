import type { LaneLimits } from "#src/core/lane.ts";

/**
 * The smallest interface an adapter needs. A capability a provider lacks is an absent property. Adapters never
 * retry, never sleep, never read the environment and never log a body; they throw `ProviderError` and nothing else.
 */
export interface Provider {
  readonly name: string;
  readonly chat?: (model: string) => ChatModel;
  readonly embedding?: (model: string) => EmbeddingModel;
  /** Closes pooled connections; calls in flight fail. */
  close(): Promise<void>;
}

/** Per-call context. The call rejects promptly with kind `aborted` when the signal aborts. */
export interface Call {
  readonly signal: AbortSignal;
  /** The provider has begun to answer, so it has taken the request by now at the latest. Called once at most. */
  readonly onAnswerStart?: () => void;
}

/** Reported by the provider; a figure it did not report is absent, never zero. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  readonly cachedTokens?: number;
  readonly reasoningTokens?: number;
}

/** `db`: the text will be stored and searched; `query`: the text is what is searched for. */
export type EmbeddingPurpose = "db" | "query";

export interface EmbeddingRequest {
  readonly inputs: readonly string[];
  readonly purpose?: EmbeddingPurpose;
  /** Asked-for dimensions, where the model lets the caller choose. */
  readonly dimensions?: number;
}

export interface EmbeddingResponse {
  /** All vectors in input order, one after another: `inputs.length * dimensions` float32 values. */
  readonly vectors: Float32Array;
  readonly dimensions: number;
  readonly usage: Usage;
  readonly requestId?: string;
}

export interface EmbeddingModel {
  /** Inputs one call may carry. */
  readonly maxInputs: number;
  /** Tokens one input may have, where known. */
  readonly maxTokens?: number;
  /** Tokens all inputs of one call may have together, where known. */
  readonly maxBatchTokens?: number;
  embed(request: EmbeddingRequest, call: Call): Promise<EmbeddingResponse>;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it; may be invalid JSON. */
  readonly arguments: string;
}

export interface ContentPart {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | readonly ContentPart[] | null;
  readonly name?: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly toolCallId?: string;
  readonly reasoning?: string;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly user?: string;
  readonly tools?: readonly unknown[];
  readonly toolChoice?: unknown;
  readonly responseFormat?: unknown;
  /** Fields passed to the provider as they are. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** One vocabulary for all providers, and the provider's own word beside it. */
export interface FinishReason {
  readonly unified: "stop" | "length" | "tool-calls" | "content-filter" | "other";
  readonly raw?: string;
}

export interface ChatResponse {
  readonly text: string;
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  /** The model the provider says answered. */
  readonly model?: string;
  readonly requestId?: string;
  /** Response fields we do not model, passed out as they came. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What `stream` yields. Exactly one `end`, last; a stream that stops without it threw instead. */
export type ChatEvent =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string }
  | {
      readonly type: "tool-call-delta";
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly arguments?: string;
    }
  | { readonly type: "end"; readonly response: ChatResponse };

export interface ChatModel {
  generate(request: ChatRequest, call: Call): Promise<ChatResponse>;
  stream(request: ChatRequest, call: Call): AsyncIterable<ChatEvent>;
}

/** Money per million tokens; a price that is not known is absent, and free is 0. */
export interface ModelPrice {
  readonly inputPerMillionTokens?: number;
  readonly cachedInputPerMillionTokens?: number;
  readonly outputPerMillionTokens?: number;
  readonly currency: string;
}

/** What is known of a model before any call; the data behind `sluice models`, dry runs and limits. */
export interface ModelData {
  readonly name: string;
  readonly kind: "chat" | "embedding";
  readonly dimensions?: number;
  /** Dimensions a caller may ask for; absent where there is no choice. `up-to`: any number up to `dimensions`. */
  readonly dimensionChoices?: readonly number[] | "up-to";
  /** Inputs one embedding call may carry. */
  readonly maxInputs?: number;
  /** Tokens one input (embedding) or the whole context (chat) may have. */
  readonly maxTokens?: number;
  readonly maxOutputTokens?: number;
  /** Tokens all inputs of one embedding call may have together. */
  readonly maxBatchTokens?: number;
  /** What the vendor publishes; the user's own price replaces it. */
  readonly price?: ModelPrice;
  /** Limits a fresh account has, where published or measured; the user's own figures replace them. */
  readonly limits?: LaneLimits;
}

/** Credentials and address of one account. Values reach headers and nothing else. */
export interface ProviderAccount {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** MiniMax group id; Spark app id and secret; whatever else the protocol needs. */
  readonly extra?: Readonly<Record<string, string>>;
}
