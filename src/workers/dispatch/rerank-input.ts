import type { RerankRequest } from "#src/providers/provider.ts";
import type { PendingInput } from "./pending-input.ts";

export interface RerankInput extends PendingInput {
  readonly request: RerankRequest;
}
