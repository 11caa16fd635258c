/**
 *   POST /api/runs/:run/retry    operator    RetryRequest -> RetryStatus    (409 while a retry is running)
 */

/** Nothing given: all failures. */
export interface RetryRequest {
  readonly kinds?: readonly string[];
  readonly cause?: string;
  /** Of a run that is not finished: its items without a record are called for as well, and that is wanted. */
  readonly includeUnfinished?: true;
}

/** A retry runs as a process of its own beside the server, and ends in an orderly way when the server does. */
export interface RetryStatus {
  readonly state: "running" | "finished" | "failed";
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly userName: string;
  readonly kinds?: readonly string[];
  readonly cause?: string;
  /** How it ended, or the latest it said. */
  readonly message?: string;
  readonly hint?: string;
  /**
   * What `message` says: none of the items taken back is without a result; some failed again; nothing was taken back;
   * the process could not be started, or it refused or broke off (its own words are in `message`).
   */
  readonly code?: "all-succeeded" | "some-failed-again" | "nothing-to-retry" | "could-not-start" | "refused";
  /** Of a finished one: those taken back, and nothing else of the run. */
  readonly items?: { readonly succeeded: number; readonly failed: number };
}
