import type { RerankRequest, RerankResponse } from "#src/providers/provider.ts";
import type { ItemPart } from "./answer-collector.ts";
import type { PendingInput } from "./pending-input.ts";

export interface RerankInput extends PendingInput {
  readonly request: RerankRequest;
  /** Which of several groups of documents this one is. */
  readonly part?: ItemPart<RerankResponse> | undefined;
}
