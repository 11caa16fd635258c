import type { ItemFilterParams } from "#src/dashboard/items/item-query-params.ts";

/**
 *   POST /api/runs/:run/retry    operator    RetryRequest -> RetryStatus    (409 while a retry is running)
 */

/** Retries all failed items that match; with the filter `empty`, all empty answers that match. */
export interface RetryRequest {
  readonly filter?: ItemFilterParams;
  /** Confirms that a retry of an unfinished run also processes its items without a record. */
  readonly includeUnfinished?: true;
}

/**
 * A retried or restarted run has its own process beside the server, which stops it gracefully when the server stops.
 */
export interface RetryStatus {
  readonly action: "retry" | "resume";
  readonly state: "running" | "finished" | "failed";
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly userName: string;
  /** How it ended, or its latest message. */
  readonly message?: string;
  readonly hint?: string;
  /**
   * The same as `message`: the resumed run has ended; every retried item has a result; some failed again; there was
   * nothing to retry; the process could not be started; or it refused or crashed (`message` is its own text).
   */
  readonly code?:
    | "run-ended"
    | "all-succeeded"
    | "some-failed-again"
    | "nothing-to-retry"
    | "could-not-start"
    | "refused";
  /** After a finished retry: the retried items only. */
  readonly items?: { readonly succeeded: number; readonly failed: number };
}
