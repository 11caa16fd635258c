import { ProviderError } from "#src/core/failures/errors.ts";
import type { RequestCheck } from "./provider.ts";

/**
 * The check of a request whose encoder throws `invalid-request` for what the provider rejects or the protocol cannot express.
 * `adjusted` is described in RequestCheck.
 */
export function checkEncoding(encode: () => unknown, adjusted: readonly string[] = []): RequestCheck {
  try {
    encode();
    return { rejected: [], adjusted };
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind !== "invalid-request") throw error;
    return { rejected: [error.message], adjusted: [] };
  }
}
