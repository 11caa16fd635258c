import type { Failure } from "#src/core/item.ts";
import type { ChatRequest, ChatResponse, EmbeddingPurpose } from "#src/providers/provider.ts";
import type { JobPriority } from "#src/queues/names.ts";
import type { ItemStatus } from "#src/state/items/item-store.ts";
import type { StreamEvent } from "./stream-events.ts";

export interface SubmitOptions {
  /** "provider/model" */
  readonly model: string;
  /** Interactive items overtake all bulk ones. Default "interactive". */
  readonly priority?: JobPriority;
  /** The same key gives the same item, however often it is submitted within its time to live. */
  readonly idempotencyKey?: string;
  /** Kept with the item and given back by `status`; not sent to the provider. */
  readonly metadata?: unknown;
  /** How long result and partials can be picked up, from the submission on. Default one day. */
  readonly ttlMs?: number;
}

export interface SubmitChatOptions extends SubmitOptions, Omit<ChatRequest, "messages"> {
  /** The conversation; or else `prompt`. */
  readonly messages?: ChatRequest["messages"];
  /** One plain text: with a template the conversation it holds in that form, otherwise one user message. */
  readonly prompt?: string;
  /**
   * `default`: the provider's own conversation template. It adds the provider's usual system message where the
   * request has none, and reads `prompt` as that provider's plain form. Nothing of the request is left out.
   */
  readonly template?: "default";
  /** Make deltas available through `stream` while the answer comes. Default false. */
  readonly stream?: boolean;
}

export interface SubmitEmbeddingOptions extends SubmitOptions {
  readonly inputs: readonly string[];
  readonly purpose?: EmbeddingPurpose;
  readonly dimensions?: number;
}

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

export interface WaitOptions {
  readonly signal?: AbortSignal;
  /** Give up waiting after this long, with a `ResultTimeoutError`; the item goes on. Default: no limit. */
  readonly timeoutMs?: number;
}

export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** Go on after this event's id; events before it are not repeated. */
  readonly after?: string;
}

export interface SluiceClient {
  submitChat(options: SubmitChatOptions): Promise<Submitted>;
  submitEmbedding(options: SubmitEmbeddingOptions): Promise<Submitted>;
  /** Submits, waits, and gives the vectors in the order of the inputs. Throws `ItemFailedError` when one failed. */
  embed(options: SubmitEmbeddingOptions & WaitOptions): Promise<{ vectors: Float32Array[]; tokens: number }>;
  /** The record of a chat item, now or when it is there. Throws `UnknownItemError` for an id that is not known. */
  result(id: string, options?: WaitOptions): Promise<ChatRecord>;
  /** The records of an embedding item, in the order of its inputs. */
  vectors(id: string, options?: WaitOptions): Promise<EmbeddingRecord[]>;
  /** The answer's deltas, live or after the fact; ends with one `end` or `error`. */
  stream(id: string, options?: StreamOptions): AsyncGenerator<StreamEvent>;
  /** Undefined for an id that is not known. */
  status(id: string): Promise<ItemStatus | undefined>;
  /** No record is accepted any more; a call in flight is aborted when it streams. Tells what the item was. */
  cancel(id: string): Promise<ItemStatus["state"]>;
  close(): Promise<void>;
}
