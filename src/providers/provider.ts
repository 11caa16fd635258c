import type { LaneLimits, ReportedLimit } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { JsonObject } from "./json-value.ts";

/**
 * The adapter of a provider for one account. A missing capability is an absent property. Adapters never retry, sleep, read
 * the environment or log a body, and they throw only `ProviderError`.
 */
export interface Provider {
  readonly name: string;
  readonly chat?: (model: string) => ChatModel;
  readonly embedding?: (model: string) => EmbeddingModel;
  readonly rerank?: (model: string) => RerankModel;
  /** Closes pooled connections; calls in flight fail. */
  close(): Promise<void>;
}

/** The context of a call. The call rejects promptly with kind `aborted` when the signal aborts. */
export interface Call {
  readonly signal: AbortSignal;
  /**
   * Called when the response begins, with the limits that its headers report: the provider has received the request by then at
   * the latest.
   */
  readonly onAnswerStart?: (limits: readonly ReportedLimit[]) => void;
  /** Called for every event or keep-alive comment of a stream. */
  readonly onAlive?: () => void;
}

/** Token counts reported by the provider. A count that was not reported is absent, never zero. */
export interface Usage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly totalTokens?: number;
  /** Input tokens that were read from the provider's cache. */
  readonly cachedTokens?: number;
  /** Input tokens that were written to the provider's cache. */
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

/** `db`: the text is stored and searched. `query`: the text is the search query. */
export type EmbeddingPurpose = "db" | "query";

export interface EmbeddingRequest {
  readonly inputs: readonly string[];
  /** Each input is a list of token ids as JSON; only for models with `ModelData.acceptsTokenIds`. */
  readonly tokenIds?: boolean;
  readonly purpose?: EmbeddingPurpose;
  /** Requested dimensions, for models that support a choice. */
  readonly dimensions?: number;
  /** Further fields of the call, such as `input_type` or `truncate`; only those of `ModelData.embeddingFields`. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface EmbeddingResponse {
  /** All vectors in input order, concatenated: `inputs.length * dimensions` values. */
  readonly vectors: Float32Array;
  readonly dimensions: number;
  readonly usage: Usage;
  readonly requestId?: string;
}

export interface EmbeddingModel {
  /** Maximum inputs per call. */
  readonly maxInputs: number;
  /** Maximum tokens of an input, where known. */
  readonly maxTokens?: number;
  /** Maximum total tokens of the inputs of a call, where known. */
  readonly maxBatchTokens?: number;
  embed(request: EmbeddingRequest, call: Call): Promise<EmbeddingResponse>;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as written by the model; may be invalid. */
  readonly arguments: string;
  /** All other fields of the call, unchanged, such as `extra_content` with a thought signature. */
  readonly extra?: Readonly<Record<string, unknown>>;
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
  /** Further fields of the message, passed on unchanged by the OpenAI protocol, such as `reasoning_details`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** What may be asked for instead of an answer. A moderation has one message per input, and its answer is in `extra`. */
export type ChatOperation = "moderation";

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** Only for models that list it in `operations`. */
  readonly operation?: ChatOperation;
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly user?: string;
  readonly tools?: readonly unknown[];
  readonly toolChoice?: unknown;
  readonly responseFormat?: unknown;
  /** Further fields of the request body, passed on unchanged. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The finish reason in terms that are common to all providers, and the provider's own value. */
export interface FinishReason {
  readonly unified: "stop" | "length" | "tool-calls" | "content-filter" | "other";
  readonly raw?: string;
}

/** What one of several answers to a request contains. */
export type ChatChoice = Omit<ChatResponse, "usage" | "model" | "requestId" | "choices">;

export interface ChatResponse {
  readonly text: string;
  readonly reasoning?: string;
  /** The name under which the provider sent the reasoning, if it is not `reasoning_content`. */
  readonly reasoningField?: "reasoning";
  /** Why the model refused to answer. */
  readonly refusal?: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  /** The model that answered, as reported by the provider. */
  readonly model?: string;
  readonly requestId?: string;
  /**
   * All other response fields, unchanged: those of the body by their names, those of the choice in `choice`, those of the
   * message in `message` (with `content` if it has parts that are not text), `logprobs`, and `usage` if it contains more
   * than Usage. A field of the body with one of these names is in `body`.
   */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** The answers after the first one, if the request asked for several (`extra.n`). */
  readonly choices?: readonly ChatChoice[];
}

/** Events of a stream. The last one is `end`; a stream without `end` throws. */
export type ChatEvent =
  | { readonly type: "text-delta"; readonly text: string }
  | { readonly type: "reasoning-delta"; readonly text: string }
  /**
   * What completes a part of the reasoning, in the form of `reasoning_details`: its signature, or its encrypted form. Only with
   * it can the reasoning be sent back to a provider that signs it.
   */
  | { readonly type: "reasoning-details"; readonly details: JsonObject }
  | {
      readonly type: "tool-call-delta";
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly arguments?: string;
      readonly extra?: ToolCall["extra"];
    }
  | { readonly type: "end"; readonly response: ChatResponse };

/** What happens to a request, as far as it is known without a call. */
export interface RequestCheck {
  /** Why the request is rejected, each reason with the parameter that it is about; without text of the request. */
  readonly rejected: readonly string[];
  /**
   * What is sent differently from the request because the provider would reject it, one sentence each. A sentence names the
   * model and the parameter but no value of the request, so that it is the same for all requests.
   */
  readonly adjusted: readonly string[];
}

export interface ChatModel {
  /** Whether the model answers a request only, or better, as a stream. */
  readonly streamsUpstream?: boolean | ((request: ChatRequest) => boolean) | undefined;
  /** One call can return several answers (`extra.n`). Other models reject `n`; they are called once per answer. */
  readonly supportsChoices?: boolean | undefined;
  readonly operations?: readonly ChatOperation[];
  /** Finds what the provider is known to reject or cannot express. Such a request is rejected by its call, too. */
  readonly check?: (request: ChatRequest) => RequestCheck;
  generate(request: ChatRequest, call: Call): Promise<ChatResponse>;
  stream(request: ChatRequest, call: Call): AsyncIterable<ChatEvent>;
}

export interface RerankRequest {
  readonly query: string;
  readonly documents: readonly string[];
}

/** The relevance of a document; `index` is its position in the request. */
export interface RerankResult {
  readonly index: number;
  /** Higher is more relevant. Only scores of the same model and query can be compared. */
  readonly score: number;
  /** Further fields, unchanged. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface RerankResponse {
  /** One result per document, the best first. */
  readonly results: readonly RerankResult[];
  /** `totalTokens` are search units if the model is billed by them. */
  readonly usage: Usage;
  readonly requestId?: string;
  /** All other fields of the body, unchanged. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Instead of `extra` if the documents needed several calls: what each of them answered. */
  readonly calls?: readonly Pick<RerankResponse, "requestId" | "extra">[];
}

export interface RerankModel {
  /** Maximum documents per call. */
  readonly maxDocuments: number;
  rerank(request: RerankRequest, call: Call): Promise<RerankResponse>;
}

/** What is known about a model before any call; used by `sluice models`, dry runs and the limiter. */
export interface ModelData {
  readonly name: string;
  readonly kind: "chat" | "embedding" | "rerank";
  readonly dimensions?: number;
  /** Dimensions that a request may ask for; absent without a choice. `up-to`: any number up to `dimensions`. */
  readonly dimensionChoices?: readonly number[] | "up-to";
  /** Names of the further fields that embedding calls may have; absent without any. `any`: the server's operator knows. */
  readonly embeddingFields?: readonly string[] | "any";
  /** The values that such a field may have, where they are known. */
  readonly embeddingChoices?: Readonly<Record<string, readonly string[]>>;
  /** Whether embedding calls may have token ids instead of texts. */
  readonly acceptsTokenIds?: boolean;
  /** Maximum inputs of an embedding call, or documents of a rerank call. */
  readonly maxInputs?: number;
  /** Maximum tokens of an input (embedding) or of the whole context (chat). */
  readonly maxTokens?: number;
  /** Maximum tokens of the input (chat), if it is less than the context. */
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** Maximum total tokens of the inputs of an embedding call. */
  readonly maxBatchTokens?: number;
  /** Documents that the vendor bills as one search unit. Search units then take the place of tokens, also in the price. */
  readonly documentsPerSearchUnit?: number;
  readonly price?: TokenPrice;
  /** Limits of a new account, as published or measured; limits in sluice.yaml replace them. */
  readonly limits?: LaneLimits;
  /** "2026-04-24", "2026-04" or "2026" */
  readonly released?: string;
  readonly status?: "deprecated";
  readonly retired?: Retirement;
}

/** When a vendor removes a model (a date), and the names that replace it, where they are known. */
export interface Retirement {
  readonly since: string;
  readonly successors?: readonly string[];
}

/** Describes a model as which a provider is asked to use it. */
export type DescribeModel = (name: string, kind: ModelData["kind"]) => ModelData;

/** Credentials and base URL of an account. The credentials are only used in request headers and signatures. */
export interface ProviderAccount {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Further values that a protocol needs, such as the MiniMax group id or the Spark app id and secret. */
  readonly extra?: Readonly<Record<string, string>>;
}
