/**
 * Errors of the HTTP API, and its conventions. The types of each feature are in the `*-api.ts` file beside its routes;
 * the pages import the same files.
 *
 * - Times are epoch milliseconds on the server's clock. `at` is the time at which the response was made: compute ages
 *   from it, never from the browser's clock. Durations end in `Ms`, sizes in `Bytes`.
 * - An unknown value is absent (null inside a series), never zero.
 * - Ids, messages, model output and file names are untrusted: show them as text, never as markup.
 * - Requests that change something are POST or DELETE with `content-type: application/json` from the same origin.
 * - A failed request is answered with an `ErrorBody`.
 *
 * Outside the JSON API: `GET /queues/` (bull-board, viewer), `GET /metrics` (viewer, or a scraper's Authorization
 * header) and `GET /healthz` (everybody, `{ ok }`).
 */

export type ErrorCode =
  /** 401: not signed in, or the session has ended. */
  | "signed-out"
  /** 401: neither of the two passwords. */
  | "wrong-password"
  /** 429: too many failed sign-in attempts. */
  | "too-many-attempts"
  /** 403: the role does not allow it. */
  | "not-allowed"
  /** 403: the request came from another site, or names another host. */
  | "cross-site-request"
  /** 404 */
  | "unknown-run"
  | "unknown-item"
  | "unknown-cause"
  | "unknown-lane"
  | "unknown-chat"
  | "unknown-route"
  /** 409: the run's state does not allow it; `reason` and the message say why. */
  | "wrong-state"
  /** 409: the run's folder cannot be read; `reason` says whether it is on another host or missing. */
  | "folder-on-other-host"
  /** 400, 413, 415, 503 */
  | "bad-request"
  /** 503: Redis does not answer. The page keeps showing the last values. */
  | "redis-unavailable"
  /** 502: the provider refused the call that a search needs. */
  | "provider-failed"
  /** 500 */
  | "internal";

/** Why something is refused, for a more specific text than `code` allows. */
export type RefusalReason =
  /** No process coordinates the run; it can be resumed. */
  | "no-coordinator"
  /** The run cannot be resumed from here, because the command that started it is not known. */
  | "command-unknown"
  /** Redis no longer knows the run. */
  | "forgotten"
  /** A coordinator is working on the run. */
  | "already-running"
  /** A process is using the run or its folder, so that it can be neither deleted nor, without a coordinator, renamed. */
  | "run-in-use"
  /** The run's state has no such transition. */
  | "nothing-to-pause"
  | "nothing-to-resume"
  | "nothing-to-cancel"
  | "no-failed-items"
  /** A retry would also process the unfinished rest (see `RunPage.itemsWithoutRecord`, `RetryRequest.includeUnfinished`). */
  | "items-left"
  | "retried-already"
  | "too-many-retries"
  | "folder-on-other-host"
  | "folder-missing"
  /** The folder exists, but the output file in it does not. */
  | "output-missing"
  /** The folder exists, but the working folder that a retry needs does not. */
  | "work-folder-missing"
  /** The run's database, which the filter or the export needs, does not exist. */
  | "database-missing"
  /** bull-board must not do this to jobs that belong to runs. */
  | "jobs-belong-to-runs";

/** Contains no secret and no text of any item. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly reason?: RefusalReason;
    /** English: what happened, to what. */
    readonly message: string;
    /** What to do next. */
    readonly hint?: string;
    /** With `too-many-attempts`: wait this long before the next attempt. */
    readonly retryAfterMs?: number;
  };
}
