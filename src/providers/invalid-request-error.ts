import { ProviderError } from "#src/core/failures/errors.ts";

/** A request that the provider is known to reject, found before a call is made. The message never quotes its content. */
export function invalidRequestError(provider: string, message: string, isSplittable = false): ProviderError {
  return new ProviderError(message, { kind: "invalid-request", provider, isSplittable });
}
