import type { ChatRequest } from "#src/providers/provider.ts";
import type { ItemKeys } from "#src/redis/keys.ts";
import type { ItemLedger } from "#src/state/items/item-ledger.ts";
import type { ChoiceCollector } from "./choices.ts";
import type { PendingInput } from "./pending-input.ts";

export interface ChatInput extends PendingInput {
  readonly request: ChatRequest;
  /** Which of several answers to the same item this one is. */
  readonly choice?: { readonly position: number; readonly collector: ChoiceCollector } | undefined;
  /** Where deltas are written; undefined when the answer is not streamed. */
  readonly partials: { readonly keys: ItemKeys; readonly ledger: ItemLedger } | undefined;
}
