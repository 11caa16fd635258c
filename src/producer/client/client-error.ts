/** The id is unknown: it never was, or its time to live is over. */
export class UnknownItemError extends Error {
  override readonly name = "UnknownItemError";

  constructor(id: string) {
    super(`no item "${id.slice(0, 100)}": it was never submitted here, or its time to live is over`);
  }
}

/** The record did not come within the time given; the item goes on. */
export class ResultTimeoutError extends Error {
  override readonly name = "ResultTimeoutError";

  constructor(id: string, timeoutMs: number) {
    super(`item "${id}" has no record after ${timeoutMs} ms; it goes on, and its result can be picked up later`);
  }
}

/** The item ended in a definite error. */
export class ItemFailedError extends Error {
  override readonly name = "ItemFailedError";
  readonly kind: string;
  readonly code: string | undefined;

  constructor(failure: { readonly kind: string; readonly message: string; readonly code?: string }) {
    super(`${failure.kind}: ${failure.message}`);
    this.kind = failure.kind;
    this.code = failure.code;
  }
}
