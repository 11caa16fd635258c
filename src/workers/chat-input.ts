import type { ChatRequest } from "../providers/provider.ts";
import type { ItemLedger } from "../queue/item-ledger.ts";
import type { ItemKeys } from "../redis/keys.ts";
import type { PendingInput } from "./group-input.ts";

/** One chat request to answer. */
export interface ChatInput extends PendingInput {
  readonly request: ChatRequest;
  /** Where deltas go while the answer comes; undefined when nobody follows it. */
  readonly partials: { readonly keys: ItemKeys; readonly ledger: ItemLedger } | undefined;
}
