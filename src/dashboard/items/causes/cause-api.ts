/**
 *   GET /api/runs/:run/causes    viewer    -> FailureCauseList
 */

export interface FailureCauseView {
  /** Stable for the same cause; for the `cause` of an `ItemFilterParams`. */
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
