import { ProviderError } from "#src/core/errors.ts";
import { MINIMAX_NAME } from "#src/providers/minimax/profile.ts";

/** A request that is known to fail, so that no call is spent on it. The message names the field, never its text. */
export function invalidRequestError(message: string): ProviderError {
  return new ProviderError(message, { kind: "invalid-request", provider: MINIMAX_NAME });
}
