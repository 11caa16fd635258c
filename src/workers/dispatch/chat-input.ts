import type { ChatRequest, ChatResponse } from "#src/providers/provider.ts";
import type { ItemKeys } from "#src/redis/keys.ts";
import type { ItemLedger } from "#src/state/items/item-ledger.ts";
import type { ItemPart } from "./answer-collector.ts";
import type { PendingInput } from "./pending-input.ts";

export interface ChatInput extends PendingInput {
  readonly request: ChatRequest;
  /** Which of several answers to the same item this one is. */
  readonly part?: ItemPart<ChatResponse> | undefined;
  /** Where deltas are written; undefined when the answer is not streamed. */
  readonly partials: { readonly keys: ItemKeys; readonly ledger: ItemLedger } | undefined;
}
