import type { ProviderText } from "#src/core/failures/provider-text.ts";
/** The id is unknown: it was never submitted, or its TTL has expired. */
export class UnknownItemError extends Error {
  override readonly name = "UnknownItemError";

  constructor(id: string) {
    super(`no item "${id.slice(0, 100)}": it was never submitted here, or its TTL has expired`);
  }
}

/** The record was not available within the timeout; the item continues. */
export class ResultTimeoutError extends Error {
  override readonly name = "ResultTimeoutError";

  constructor(id: string, timeoutMs: number, reason?: string) {
    const next = reason ?? "it continues, and its result can be read later";
    super(`item "${id}" has no record after ${timeoutMs} ms: ${next}`);
  }
}

/** The item failed with a final error. */
export class ItemFailedError extends Error {
  override readonly name = "ItemFailedError";
  readonly kind: string;
  readonly code: string | undefined;
  /** The provider's own message, redacted, and the parameter that it names. */
  readonly providerMessage: string | undefined;
  readonly param: string | undefined;

  constructor(failure: ProviderText & { readonly kind: string; readonly message: string; readonly code?: string }) {
    super(`${failure.kind}: ${failure.message}`);
    this.kind = failure.kind;
    this.code = failure.code;
    this.providerMessage = failure.providerMessage;
    this.param = failure.param;
  }
}
