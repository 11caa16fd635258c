/**
 *   GET /api/runs/:run/causes                  viewer    -> FailureCauseList
 *   GET /api/runs/:run/causes/:cause/export    viewer    -> application/x-ndjson, one ExportedFailure per line
 *       (?texts=1 adds each item's request: operator)
 */

export interface FailureCauseView {
  /** Stable for the same cause; for paths and for `RetryRequest.cause`. */
  readonly cause: string;
  readonly kind: string;
  readonly code?: string;
  /** The message with placeholders for what differs between items; empty with `isCatchAll`. */
  readonly message: string;
  /** Not one cause, but all further failures of the kind beyond the causes that are counted separately. */
  readonly isCatchAll?: true;
  readonly count: number;
  readonly example: {
    readonly index: number;
    readonly id?: string;
    readonly message: string;
    readonly providerMessage?: string;
  };
}

export interface FailureCauseList {
  readonly at: number;
  /** Largest first, at most 100. */
  readonly causes: readonly FailureCauseView[];
  /** Failures with causes that are not listed. */
  readonly others: number;
  /** All failures. */
  readonly total: number;
}

/** One line of an export. */
export interface ExportedFailure {
  readonly index: number;
  readonly id?: string;
  readonly kind: string;
  readonly code?: string;
  readonly message: string;
  readonly attempts?: number;
  /** With ?texts=1: the text of an embedding item, or the request of a chat item. */
  readonly text?: string;
  readonly request?: unknown;
}
