import type { Failure } from "#src/core/item.ts";
import type {
  ChatRequest,
  ChatResponse,
  EmbeddingPurpose,
  RerankRequest,
  RerankResponse,
} from "#src/providers/provider.ts";
import type { JobPriority } from "#src/queues/names.ts";
import type { ItemStatus } from "#src/state/items/item-store.ts";
import type { StreamEvent } from "./stream-events.ts";
import type { OnNoWorker } from "./worker-check.ts";

export interface SubmitOptions {
  /** "provider/model" */
  readonly model: string;
  /** Interactive items are processed before all bulk items. Default "interactive". */
  readonly priority?: JobPriority;
  /** Submitting the same request with the same key within the TTL returns the same item; another request is an InputError. */
  readonly idempotencyKey?: string;
  /**
   * Whose item it is: tenants take turns on queues and lanes, one with a larger weight (1 to 100) more often. Without one, the
   * item is the operator's own.
   */
  readonly tenant?: { readonly id: string; readonly weight: number };
  /** Stored with the item and returned by `status`; not sent to the provider. */
  readonly metadata?: unknown;
  /** TTL of result and partials in milliseconds, from the submission on. Default one day. */
  readonly ttlMs?: number;
}

export interface SubmitChatOptions extends SubmitOptions, Omit<ChatRequest, "messages"> {
  /** The conversation. Set either `messages` or `prompt`. */
  readonly messages?: ChatRequest["messages"];
  /** One plain text: with `template`, a conversation in the format of the template; otherwise one user message. */
  readonly prompt?: string;
  /**
   * `default`: the provider's own conversation template. It adds the provider's usual system message to a request
   * without one, and parses `prompt` as that provider's plain-text format. It removes nothing from the request.
   */
  readonly template?: "default";
  /** Makes deltas available through `stream` while the answer is generated. Default false. */
  readonly stream?: boolean;
}

export interface SubmitEmbeddingOptions extends SubmitOptions {
  readonly inputs: readonly string[];
  readonly purpose?: EmbeddingPurpose;
  readonly dimensions?: number;
  /** The inputs are lists of token ids as JSON; only for models that accept them. */
  readonly tokenIds?: boolean;
  /** Further fields of the call, such as `input_type`; only those that the model supports. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface SubmitRerankOptions extends SubmitOptions, RerankRequest {}

export interface Submitted {
  readonly id: string;
}

/** The outcome of a chat item. */
export type ChatRecord =
  | { readonly status: "ok"; readonly attempts: number; readonly response: ChatResponse }
  | { readonly status: "failed"; readonly attempts: number; readonly failure: Failure };

/** The outcome of one input of an embedding item. */
export type EmbeddingRecord =
  | {
      readonly status: "ok";
      readonly attempts: number;
      readonly tokens: number;
      readonly vector: Float32Array;
    }
  | { readonly status: "failed"; readonly attempts: number; readonly failure: Failure };

/** The outcome of a rerank item. */
export type RerankRecord =
  | { readonly status: "ok"; readonly attempts: number; readonly response: RerankResponse }
  | { readonly status: "failed"; readonly attempts: number; readonly failure: Failure };

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Stops waiting with a `ResultTimeoutError`; the item continues. Default: no limit. */
  readonly timeoutMs?: number;
  /** Called once if the item waits because no worker that takes it is running. Default: `process.emitWarning`. */
  readonly onNoWorker?: OnNoWorker;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Resumes after the event with this id. */
  readonly after?: string;
  /** Called once if the item waits because no worker that takes it is running. Default: `process.emitWarning`. */
  readonly onNoWorker?: OnNoWorker;
}

export interface SluiceClient {
  submitChat(options: SubmitChatOptions): Promise<Submitted>;
  submitEmbedding(options: SubmitEmbeddingOptions): Promise<Submitted>;
  submitRerank(options: SubmitRerankOptions): Promise<Submitted>;
  /** Submits, waits, and returns the vectors in the order of the inputs. Throws `ItemFailedError` if one failed. */
  embed(options: SubmitEmbeddingOptions & WaitOptions): Promise<{ vectors: Float32Array[]; tokens: number }>;
  /** Submits, waits, and returns one result per document, the best first. Throws `ItemFailedError`. */
  rerank(options: SubmitRerankOptions & WaitOptions): Promise<RerankResponse>;
  /** Waits for the record of a chat item. Throws `UnknownItemError` for an unknown id. */
  result(id: string, options?: WaitOptions): Promise<ChatRecord>;
  /** Waits for the records of an embedding item, in the order of its inputs. */
  vectors(id: string, options?: WaitOptions): Promise<EmbeddingRecord[]>;
  /** Waits for the record of a rerank item. */
  ranking(id: string, options?: WaitOptions): Promise<RerankRecord>;
  /** Yields the deltas of the answer, live or stored; the last event is `end` or `error`. */
  stream(id: string, options?: StreamOptions): AsyncGenerator<StreamEvent>;
  /** Returns undefined for an unknown id. */
  status(id: string): Promise<ItemStatus | undefined>;
  /** Cancels an item: no record is accepted any more, and a streaming call is aborted. Returns the earlier state. */
  cancel(id: string): Promise<ItemStatus["state"]>;
  close(): Promise<void>;
}
