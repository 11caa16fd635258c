/**
 *   GET /api/runs/:run/causes                  viewer    -> FailureCauseList
 *   GET /api/runs/:run/causes/:cause/export    viewer    -> application/x-ndjson, one ExportedFailure per line
 *       (?texts=1 adds each item's request: operator)
 */

export interface FailureCauseView {
  /** Stable for the same cause; goes into paths and into `RetryRequest.cluster`. */
  readonly cause: string;
  readonly kind: string;
  readonly code?: string;
  /** The message with what differs between items left out; empty with `rest`. */
  readonly message: string;
  /** Not one cause: all failures of the kind beyond the causes that are told apart, each with its own message. */
  readonly isCatchAll?: true;
  readonly count: number;
  readonly example: { readonly index: number; readonly id?: string; readonly message: string };
}

export interface FailureCauseList {
  readonly at: number;
  /** Largest first, at most 100. */
  readonly causes: readonly FailureCauseView[];
  /** Failures in clusters beyond those listed. */
  readonly others: number;
  /** Failures altogether. */
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
