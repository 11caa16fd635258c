import type { ChatRequest } from "#src/providers/provider.ts";
import type { ItemKeys } from "#src/redis/keys.ts";
import type { ItemLedger } from "#src/state/items/item-ledger.ts";
import type { PendingInput } from "./pending-input.ts";

/** One chat request to answer. */
export interface ChatInput extends PendingInput {
  readonly request: ChatRequest;
  /** Where deltas go while the answer comes; undefined when nobody follows it. */
  readonly partials: { readonly keys: ItemKeys; readonly ledger: ItemLedger } | undefined;
}
