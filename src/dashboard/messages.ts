import type { TransitionRefusal } from "#src/state/runs/run-transitions.ts";
import type { ErrorCode, RefusalReason } from "./http/error-api.ts";
import type { MaskedText } from "./items/item-api.ts";

/**
 * Every text that the server sends to pages, as a list to review. The pages localize the codes and show the English
 * text where they have no translation. A message says what happened; the hint says what to do next.
 */

/** Why a request is not served. Holds no secret and no text of any item. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly reason?: RefusalReason;
  readonly message: string;
  readonly hint?: string;
  /** Instead of the status that belongs to the code. */
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** Reasons that only occur with a message of their own. */
type OtherReason = Exclude<TransitionRefusal["code"], "no-coordinator">;
export type ListedReason = Exclude<RefusalReason, OtherReason>;

/** Why something is not available, by reason. */
export const REFUSALS = {
  "no-coordinator": {
    message: "No coordinator is running for this run.",
    hint: "Resume the run first.",
  },
  "command-unknown": {
    message: "Redis does not know the command that started this run.",
    hint: "Run that command again on its host: it resumes where it stopped.",
  },
  "run-in-use": {
    message: "A process is using this run.",
    hint: "Cancel the run, or stop that process, and wait until it has ended.",
  },
  "already-running": { message: "The run is in progress. Its failed items can be retried after it has ended." },
  "no-failed-items": { message: "This run has no failed items." },
  "items-left": {
    message: "The run is not finished: a retry also processes the items that have no record yet.",
    hint: "Confirm, or resume the run first.",
  },
  "retried-already": { message: "This server has already started a process for this run." },
  "too-many-retries": {
    message: "This server has started too many processes for runs.",
    hint: "Wait until one of them has ended.",
  },
  "folder-on-other-host": { message: "The run's folder is on another host." },
  "folder-missing": { message: "The run's folder no longer exists." },
  "output-missing": { message: "The run's output file no longer exists." },
  "work-folder-missing": { message: "The run's working folder no longer exists. A retry needs it." },
  "database-missing": {
    message: "This run finished without failures and did not keep its database, which this filter needs.",
    hint: "Runs that are started with --keep-db keep it.",
  },
  "jobs-belong-to-runs": {
    message: "This action is not available for jobs of runs: their coordinators would undo it.",
    hint: "Pause, cancel or retry the run instead.",
  },
} as const satisfies Readonly<Record<ListedReason, { readonly message: string; readonly hint?: string }>>;

/** A refusal as an error; `message` replaces the general text. */
function refuse(reason: ListedReason, message?: string, code: ErrorCode = "wrong-state"): ErrorMessage {
  const refusal: { readonly message: string; readonly hint?: string } = REFUSALS[reason];
  return { code, reason, message: message ?? refusal.message, hint: refusal.hint };
}

export const ERRORS = {
  signedOut: { code: "signed-out", message: "You are not signed in.", hint: "Sign in, then try again." },
  wrongPassword: {
    code: "wrong-password",
    message: "Wrong password: it is neither the viewer's nor the operator's.",
  },
  tooManyAttempts: (retryAfterMs: number) => ({
    code: "too-many-attempts",
    message: "Too many failed sign-in attempts.",
    hint: "Wait, then try again.",
    retryAfterMs,
  }),
  viewerReadOnly: {
    code: "not-allowed",
    message: "Viewers have read-only access.",
    hint: "Sign in with the operator password.",
  },
  chatNeedsOperator: {
    code: "not-allowed",
    message: "Only operators can read model output.",
    hint: "Sign in with the operator password.",
  },
  jobsBelongToRuns: refuse("jobs-belong-to-runs", undefined, "not-allowed"),
  crossSiteRequest: { code: "cross-site-request", message: "Cross-site request refused." },
  notSameOrigin: {
    code: "cross-site-request",
    message: "Changes must come from the dashboard's own pages.",
    hint: "In a script, send the header Sec-Fetch-Site: same-origin with the session cookie.",
  },
  notLoopbackName: {
    code: "cross-site-request",
    message: "This server only answers requests for localhost.",
    hint: "Open http://localhost, or set SLUICE_OPERATOR_PASSWORD to use another host name.",
  },

  unknownRoute: { code: "unknown-route", message: "There is nothing at this address." },
  unknownRun: {
    code: "unknown-run",
    message: "Redis does not know this run.",
    hint: "Redis keeps runs for a week after their last activity. Their folders remain.",
  },
  notScored: {
    code: "wrong-state",
    message: "This run has no scores: it is not an evaluation, or it has not been scored yet.",
  },
  unknownItem: (index: number, total: number) => ({
    code: "unknown-item",
    message: `There is no item ${index}: the run has items 0 to ${total - 1}.`,
  }),
  unknownCause: { code: "unknown-cause", message: "This run has no failed items with this cause." },
  unknownLane: {
    code: "unknown-lane",
    message: "There is no such lane.",
    hint: "Name a lane as provider/model, or as provider:account/model.",
  },
  unknownChat: {
    code: "unknown-chat",
    message: "Chat not found or ended.",
    hint: "Its answer was picked up, or has expired.",
  },

  invalidRequest: (problems: readonly string[]) => ({
    code: "bad-request",
    message: `Invalid request: ${problems.join("; ")}.`,
  }),
  requestTooLarge: (maxBytes: number) => ({
    code: "bad-request",
    status: 413,
    message: `The request is larger than ${maxBytes / 1024} KB.`,
  }),
  notJson: { code: "bad-request", status: 415, message: "Send JSON with content-type: application/json." },
  emptyBody: { code: "bad-request", message: "The request has no body. Send at least {}." },
  unreadableRequest: (status: number) => ({ code: "bad-request", status, message: "The request cannot be read." }),
  tooManyStreams: (max: number) => ({
    code: "bad-request",
    status: 503,
    message: `The limit of ${max} open pages is reached.`,
    hint: "Close some pages, then try again.",
  }),

  redisUnavailable: {
    code: "redis-unavailable",
    message: "Redis does not answer.",
    hint: "Nothing is lost: runs continue by themselves when Redis is back, and this page reconnects.",
  },
  internal: { code: "internal", message: "The server failed to handle this request. See its log for the cause." },

  transitionRefused: ({ code, message, hint }: TransitionRefusal) => ({
    code: "wrong-state",
    reason: code,
    message: `${message}.`,
    hint: hint && `${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`,
  }),
  noCoordinatorForWindow: {
    ...refuse("no-coordinator"),
    hint: "Resume the run first. The option --window of its command sets the buffer size, too.",
  },
  runInUse: ({ message, hint }: Pick<ErrorMessage, "message" | "hint">) => ({
    code: "wrong-state",
    reason: "run-in-use",
    message: `${message}.`,
    hint,
  }),
  noFailedItems: refuse("no-failed-items"),
  actionRefused: (reason: RefusalReason, message: string) => ({ code: "wrong-state", reason, message }),
  itemsLeft: (count: number) =>
    refuse(
      "items-left",
      `The run is not finished: a retry also processes the items that have no record yet (items: ${count}).`,
    ),
  retriedAlready: refuse("retried-already"),
  tooManyRetries: (count: number) => refuse("too-many-retries", `This server already has processes for ${count} runs.`),
  folderUnavailable: (reason: ListedReason, message: string) => refuse(reason, message, "folder-on-other-host"),
  outputMissing: (dir: string) =>
    refuse("output-missing", `The output of this run is no longer in ${dir}.`, "folder-on-other-host"),

  needsDatabase: {
    code: "wrong-state",
    reason: "database-missing",
    message: REFUSALS["database-missing"].message,
    hint: REFUSALS["database-missing"].hint,
  },
  indexBuilding: (share: number) => ({
    code: "wrong-state",
    message: `The search index is being built (${Math.floor(share * 100)} %).`,
    hint: "Try again in some seconds.",
  }),
  indexFailed: (message: string) => ({ code: "internal", message: `The search index cannot be built: ${message}` }),

  notSearchable: { code: "wrong-state", message: "Only finished embedding runs can be searched." },
  scanTimedOut: (scanned: number, index: number) => ({
    code: "wrong-state",
    message: `The output is large: ${scanned} of the ${index} items before this one have been scanned.`,
    hint: "Try again. The scan continues where it stopped.",
  }),
  queryRefused: (model: string, message: string) => ({
    code: "provider-failed",
    message: `${model} did not embed the query: ${message}`,
  }),
  modelNotCallable: (model: string, problem: string | undefined) => ({
    code: "provider-failed",
    message: `${model} cannot be called from this server: ${problem}`,
  }),
  queryTimedOut: (model: string, seconds: number) => ({
    code: "provider-failed",
    message: `${model} did not answer within ${seconds} s.`,
  }),
} as const satisfies Readonly<Record<string, ErrorMessage | ((...values: never[]) => ErrorMessage)>>;

/** What an accepted action on a run leads to. */
export const ACTION_RESULTS = {
  pause: "Paused. Calls in flight finish; no new calls are started.",
  resume: "Resumed.",
  nothingToResume: "The run has ended: there is nothing to resume.",
  restart: "The run is starting again.",
  cancel:
    "Cancelled. Calls in flight finish, then the output is written; items without a record are recorded as cancelled.",
  cancelWithoutCoordinator:
    "Cancelled, but no output is written yet, because no process coordinates this run. " +
    "Resume the run to record the remaining items as cancelled and to write the output.",
  rename: "The name and the note are changed.",
  delete: "The run is deleted.",
  unchanged: "No change.",
  window: "The run's coordinator applies the new buffer size within seconds.",
} as const;

/** Why the folder of a run cannot be read. */
export const FOLDER_MESSAGES = {
  forgotten: "Redis no longer knows where this run's folder is.",
  notStarted: "This run has not started yet.",
  otherHost: (host: string, dir: string) =>
    `The run's folder is on ${host}: ${dir}. Start a dashboard on that host to read it.`,
  unusablePath: "The folder path in Redis is not usable.",
  noRun: (dir: string) => `${dir} no longer contains a readable run.`,
  otherRun: (dir: string) => `${dir} now contains another run.`,
} as const;

/** Why a run stands still without a coordinator. */
export const STOP_MESSAGES = {
  killed: "No coordinator; the last one exited unexpectedly.",
  hint: "Resume the run: it continues where it stopped.",
} as const;

export const RETRY_MESSAGES = {
  couldNotStart: "The process could not be started.",
  exited: (status: string | number | null) => `The process exited with ${status}.`,
  runEnded: "The run has ended.",
  nothingToRetry: "There was nothing to retry.",
  allSucceeded: (all: number) => `All ${all} retried items succeeded.`,
  someFailedAgain: (succeeded: number, all: number, failed: number) =>
    `${succeeded} of ${all} items succeeded, ${failed} failed again.`,
} as const;

/** Why there is no text to show for an item. */
export const ABSENT_TEXTS = {
  waiting: { absentCode: "not-answered", absentReason: "There is no answer yet." },
  failed: { absentCode: "failed", absentReason: "The item failed, so there is no answer." },
  vector: { absentCode: "vector", absentReason: "The answer is a vector in the run's output." },
  request: {
    absentCode: "not-kept",
    absentReason: "The run's output does not contain the texts, and its working folder no longer exists.",
  },
} as const satisfies Readonly<Record<string, MaskedText>>;

/** Details in the audit log. */
export const AUDIT_DETAILS = {
  window: (items: number) => `${items} items`,
  retryAll: "all failures",
  exportWithTexts: "with texts",
  deleteWithOutputs: "with outputs",
  clearLimits: "clear",
  failedSignIn: (address: string, earlier: number) => (earlier === 0 ? address : `${address}, ${earlier} more before`),
} as const;

/** Errors at the start of the dashboard, shown by the command line: what is wrong and how to fix it. */
export const START_ERRORS = {
  passwordRequired: (host: string) =>
    [
      `the dashboard does not listen on ${host} without a password: everybody who can reach it could change every run`,
      "Set SLUICE_OPERATOR_PASSWORD (and SLUICE_VIEWER_PASSWORD for read-only access), or listen on 127.0.0.1.",
    ] as const,
} as const;
