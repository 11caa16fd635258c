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
 * Outside of the JSON API: `GET /queues/` (bull-board, viewer), `GET /metrics` (viewer, or a scraper's Authorization
 * header) and `GET /healthz` (everybody, `{ ok }`).
 */

export type ErrorCode =
  /** 401: nobody is signed in, or the session is over. */
  | "signed-out"
  /** 401: the password is none of the two. */
  | "wrong-password"
  /** 429: too many attempts to sign in. */
  | "too-many-attempts"
  /** 403: a viewer may look, not act. */
  | "not-allowed"
  /** 403: the request came from another site, or names a host that is not this one. */
  | "cross-site-request"
  /** 404 */
  | "unknown-run"
  | "unknown-item"
  | "unknown-cause"
  | "unknown-lane"
  | "unknown-chat"
  | "unknown-route"
  /** 409: the run's state does not allow it (the message says why). */
  | "wrong-state"
  /** 409: the run's folder is on another machine, or gone. */
  | "folder-on-other-host"
  /** 400, 413, 415 */
  | "bad-request"
  /** 503: Redis is away; the page goes on showing what it has. */
  | "redis-unavailable"
  /** 502: the provider refused the call that a search needs. */
  | "provider-failed"
  /** 500 */
  | "internal";

/** Why something is not done, for words of the page's own where `code` says too little. */
export type RefusalReason =
  /** No process feeds and collects the run; its command, run again, goes on. */
  | "no-coordinator"
  /** Redis has forgotten the run. */
  | "forgotten"
  /** Some process is at work on the run. */
  | "already-running"
  /** It is in a state from which there is no way there. */
  | "nothing-to-pause"
  | "nothing-to-resume"
  | "nothing-to-cancel"
  | "no-failed-items"
  /** The run is not finished: a retry would call for the rest of it as well (see `RunPage.left` and `RetryRequest.rest`). */
  | "items-left"
  | "retried-already"
  | "too-many-retries"
  | "folder-on-other-host"
  | "folder-missing"
  /** The folder is there, and what a retry needs of it is not. */
  | "work-folder-missing"
  /** What a board of queues may not do to jobs that belong to runs. */
  | "jobs-belong-to-runs";

/** Holds no secret and no text of any item. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly reason?: RefusalReason;
    /** One English sentence: the thing, what was expected, what came. */
    readonly message: string;
    /** What to do next. */
    readonly hint?: string;
    /** With `too-many-attempts`: when to try again. */
    readonly retryAfterMs?: number;
  };
}
