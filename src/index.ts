/**
 * The client library: submit items and read results and streamed deltas, in any process. Loads no worker and no
 * provider. `sluice/results` reads the output of runs, `sluice/toolkit` exports the building blocks, `sluice/simulator`
 * is for tests.
 */

export {
  ConfigError,
  InputError,
  PROVIDER_ERROR_KINDS,
  type ProviderErrorKind,
  RunError,
} from "./core/failures/errors.ts";
export type { Failure, FailureKind } from "./core/item.ts";
export { ItemFailedError, ResultTimeoutError, UnknownItemError } from "./producer/client/client-error.ts";
export { type ClientOptions, createClient } from "./producer/client/create-client.ts";
export type {
  ChatRecord,
  EmbeddingRecord,
  RerankRecord,
  SluiceClient,
  StreamOptions,
  SubmitChatOptions,
  SubmitEmbeddingOptions,
  SubmitOptions,
  SubmitRerankOptions,
  Submitted,
  WaitOptions,
} from "./producer/client/sluice-client.ts";
export type { StreamEvent } from "./producer/client/stream-events.ts";
export type {
  ChatMessage,
  ChatRequest,
  ChatResponse,
  ContentPart,
  EmbeddingPurpose,
  FinishReason,
  RerankRequest,
  RerankResponse,
  RerankResult,
  ToolCall,
  Usage,
} from "./providers/provider.ts";
export type { JobPriority } from "./queues/names.ts";
export type { ItemState, ItemStatus } from "./state/items/item-store.ts";
