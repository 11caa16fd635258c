/**
 * Everything that the pages get from the dashboard's server and send to it: types only, no code.
 *
 * Times are epoch milliseconds on the server's clock (`at` says what it showed when the answer was made; ages are
 * `at` minus a time, never the browser's clock). Durations end in `Ms`, sizes in `Bytes`. A figure that is not known is
 * absent (null inside series), never zero. Every text that is not ours (ids, messages, model output, file names) is to
 * be shown as text, never as markup.
 *
 * Requests that change something are POST or DELETE with `content-type: application/json` and come from the same
 * origin. Errors of every route are an `ErrorBody`.
 *
 *   route                                            who        body -> answer
 *   GET    /api/session                              anybody    -> Session
 *   POST   /api/session                              anybody    SignIn -> Session                      (429 when tried too often)
 *   DELETE /api/session                              anybody    -> Session (signed out)
 *   GET    /api/overview                             viewer     -> Overview
 *   GET    /api/history?span=hour|day                viewer     -> History
 *   GET    /api/runs?offset=0&limit=50&state=&text=  viewer     -> RunList
 *   GET    /api/runs/:run                            viewer     -> RunPage
 *   GET    /api/runs/:run/history                    viewer     -> History
 *   GET    /api/runs/:run/causes                   viewer     -> FailureClusters
 *   GET    /api/runs/:run/causes/:cause/export   viewer     -> application/x-ndjson, a line per item: ExportLine
 *          (?texts=1 adds what was asked: operator)
 *   GET    /api/runs/:run/items?...                  viewer     ItemQuery as query -> ItemPage           (in=text: operator)
 *   GET    /api/runs/:run/items/:index               viewer     -> ItemStory, texts masked
 *   POST   /api/runs/:run/items/:index/reveal        operator   {} -> RevealedItem
 *   GET    /api/runs/:run/records                    viewer     -> LatestRecords
 *   POST   /api/runs/:run/pause | resume | cancel    operator   {} -> RunActionResult
 *   POST   /api/runs/:run/window                     operator   SetWindow -> RunActionResult
 *   POST   /api/runs/:run/retry                      operator   RetryRequest -> RetryStatus              (409 while one is under way)
 *   POST   /api/runs/:run/search                     operator   SearchRequest -> SearchResult            (costs one upstream call)
 *   POST   /api/lanes/limits                         operator   SetLaneLimits -> LaneView
 *   POST   /api/lanes/unpark                         operator   { lane } -> LaneView
 *   GET    /api/chats                                viewer     -> LiveChats
 *   GET    /api/audit?before=&limit=50               viewer     -> AuditPage
 *   GET    /api/events?...                           viewer     server-sent events, see `LiveEvents`
 *   GET    /queues/                                  viewer     bull-board (a page of its own; link to it)
 *   GET    /metrics                                  viewer, or a scraper's Authorization header
 *   GET    /healthz                                  anybody    -> { ok }
 */

// ---------------------------------------------------------------------------------------------------------------------
// Errors and sessions

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

export type Role = "viewer" | "operator";

export interface Session {
  readonly at: number;
  /** Absent: nobody is signed in; show the sign-in page. */
  readonly role?: Role;
  /** Who actions are noted under: "local" behind an open door, else the name given at sign-in or the role. */
  readonly userName?: string;
  /** No password is needed: the server listens on this machine only. */
  readonly isAuthDisabled: boolean;
  /** May pause, retry, reveal ...; hide or disable the buttons otherwise. */
  readonly canOperate: boolean;
  /** When the session ends. */
  readonly expiresAt?: number;
  /** Version of Sluice. */
  readonly version: string;
  /** First part of every Redis key: several may share one Redis. */
  readonly namespace: string;
  /** Where the server runs. */
  readonly host: string;
}

export interface SignIn {
  readonly password: string;
  /** For the audit lines; up to 40 characters. */
  readonly name?: string;
}

// ---------------------------------------------------------------------------------------------------------------------
// Live events: GET /api/events

/**
 * What a page wants to be told, as query of ONE stream per page: ?overview=1&runs=1&run=ID&records=ID&chat=ITEM&
 * chats=1, any of them together. `health` comes always. Each event comes at once after connecting, then when it has
 * changed, at most once a second (`chat`: as deltas come). EventSource reconnects by itself; a stream that is refused
 * (401, 404) ends for good: ask /api/session then. Close the stream while the page is hidden: a browser
 * opens only six connections to a host.
 *
 * `chat` shows what a model says and needs an operator; the others need a viewer.
 */
export interface LiveEvents {
  readonly health: ServerHealth;
  /** Whole, each time. */
  readonly overview: Overview;
  /** The newest runs, as GET /api/runs without a query gives. */
  readonly runs: RunList;
  /** Whole, each time. */
  readonly run: RunPage;
  /** The newest records of the run, newest last, each at most once per stream. */
  readonly records: LatestRecords;
  readonly chats: LiveChats;
  readonly chat: LiveChatEvent;
  /** The run or the chat asked for is not known, or not for this role; the other events go on. */
  readonly refused: ErrorBody & { readonly topic: "run" | "records" | "chat" };
}
export type LiveEventName = keyof LiveEvents;

export interface ServerHealth {
  readonly at: number;
  readonly redis:
    | { readonly state: "ok" }
    /** Show it on every page, with how long; it ends by itself. Figures on the page are from before `since`. */
    | { readonly state: "unavailable"; readonly since: number };
}

// ---------------------------------------------------------------------------------------------------------------------
// Overview

export interface Overview {
  /** When the sampler looked. */
  readonly at: number;
  readonly health: ServerHealth;
  /** Sorted by name; those that had calls within the last day, and those of runs at work. */
  readonly lanes: readonly LaneView[];
  /** Sorted by name. */
  readonly providers: readonly ProviderView[];
  /** Alive first, then those silent or dead for at most some minutes. */
  readonly workers: readonly WorkerView[];
  readonly redis: RedisView;
  readonly runs: {
    /** Runs per phase, over all runs that Redis lists. */
    readonly byPhase: Readonly<Partial<Record<RunPhaseView, number>>>;
    /** Those not at their end, newest first, at most 20; those that stand still (stopped, parked) are always among them. */
    readonly active: readonly RunSummary[];
    /** All that are not at their end, also those that are not listed. */
    readonly activeTotal?: number;
    /** Those that ended (finished, cancelled) within the last hour, the latest first, at most 5. */
    readonly recentlyFinished?: readonly RunSummary[];
    /** What all runs that are not at their end have cost, and are to cost where that is known of each, by currency. */
    readonly money?: readonly MoneyView[];
    /** Runs not at their end, with results, whose cost nobody knows: `money` leaves them out. */
    readonly unpriced?: number;
  };
  /** Jobs of items that were submitted on their own, without a run: those in the queues for interactive work. */
  readonly standalone?: { readonly waiting: number; readonly active: number };
  /** What was spent within the last 24 hours, with calls of no run, by currency: exact, as calls ended. */
  readonly spentLastDay?: readonly MoneyView[];
  /** Over all providers. */
  readonly totals: Throughput;
  /**
   * The newest point of /api/history, which may still grow: replace the last point of the chart when `at` is the same,
   * append it otherwise. One value per line of that answer, by `lineKey`.
   */
  readonly latest: {
    readonly hour?: { readonly at: number; readonly values: Readonly<Record<string, number>> };
    readonly day?: { readonly at: number; readonly values: Readonly<Record<string, number>> };
  };
}

/** One dimension of a limit. Requests and tokens: within the last minute. Concurrency: calls at this moment. */
export interface LimitUsageView {
  readonly used: number;
  /** The limit in force, before what was learned; absent: no known limit. */
  readonly allowed?: number;
  /** `allowed` was set by a person for all workers. */
  readonly set?: true;
  /** Below `allowed` after throttle answers, growing back. */
  readonly learned?: number;
}

export interface LaneView {
  /** "minimax/embo-01", "minimax:team-b/embo-01" */
  readonly name: string;
  readonly provider: string;
  readonly account: string;
  readonly model: string;
  readonly state: "open" | "snoozed" | "parked";
  /** While snoozed. */
  readonly snoozeUntil?: number;
  /** Why it is snoozed or parked. */
  readonly reason?: string;
  /** What `reason` begins with, where it is a kind of error. */
  readonly reasonKind?: string;
  readonly requests: LimitUsageView;
  readonly tokens: LimitUsageView;
  readonly concurrency: LimitUsageView;
  /** Throttle answers since the lane's state began (a week after its last use it is forgotten). */
  readonly throttles?: number;
  /** Of the last five minutes. */
  readonly throttlesPerMinute?: number;
  /** Faults in a row; five or more: the lane is out, one probe at a time. */
  readonly faultStreak?: number;
}

/** Rates over the last minute. */
export interface Throughput {
  /** Upstream calls that were answered. */
  readonly callsPerMinute?: number;
  /** Items that got a result or a definite error. */
  readonly itemsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Calls that ended in an error, throttle answers left out. */
  readonly failuresPerMinute?: number;
  readonly throttlesPerMinute?: number;
}

export interface ProviderView extends Throughput {
  readonly name: string;
  readonly queues: readonly QueueView[];
  /** Time of an upstream call, over the last five minutes. */
  readonly upstreamMs?: Percentiles;
  /** Chat streams only, over the last five minutes. */
  readonly firstTokenMs?: Percentiles;
  /** Share of calls that ended in an error over the last five minutes, 0 to 1; throttle answers are among them. */
  readonly errorRate?: number;
  /** Errors by kind over the last five minutes; kinds that did not come are left out. */
  readonly errorsByKind: Readonly<Record<string, number>>;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
}

/** Jobs of one BullMQ queue. */
export interface QueueView {
  /** "minimax-embedding", "zhipu-chat-interactive" */
  readonly name: string;
  readonly kind: "embedding" | "chat";
  readonly priority: "bulk" | "interactive";
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** Somebody has paused the queue on the board of queues: its jobs wait, whatever runs do. */
  readonly paused?: true;
}

export interface WorkerView {
  readonly id: string;
  /** dead: silent for more than 15 s. */
  readonly state: "alive" | "dead";
  readonly host?: string;
  readonly pid?: number;
  readonly version?: string;
  readonly startedAt?: number;
  /** Last sign of life. */
  readonly seenAt: number;
  readonly jobsInFlight?: number;
  readonly callsInFlight?: number;
  /** When it last took a job. */
  readonly lastClaimAt?: number;
  /** Names of the queues it takes jobs from. */
  readonly queues: readonly string[];
}

export interface RedisView {
  /** "7.4.1" */
  readonly version?: string;
  /** Started by Sluice itself. */
  readonly isPrivate: boolean;
  readonly usedBytes?: number;
  /** What Redis may use; absent: no limit set. */
  readonly maxBytes?: number;
  /** Above it, memory is a worry: 75 % of `maxBytes`. */
  readonly warningBytes?: number;
  readonly clients?: number;
  readonly commandsPerSecond?: number;
  /** Round trip of the sampler's last look. */
  readonly roundTripMs?: number;
}

export type HistoryMetric =
  /** answered upstream calls, items ended, tokens, failed calls, throttle answers: all per minute */
  | "calls"
  | "items"
  | "tokens"
  | "failures"
  | "throttles"
  /** of a run: items that ended in an error, per minute */
  | "failed-items"
  /** money per minute, in the line's currency */
  | "cost"
  /** jobs waiting or delayed (of a paused run, of a parked lane), at the end of the step */
  | "queue-depth"
  /** median and 95th percentile of the time of an upstream call, ms */
  | "upstream-p50"
  | "upstream-p95"
  /** alive, at the end of the step */
  | "workers"
  /** bytes, at the end of the step */
  | "redis-memory";

export interface HistorySeries {
  /** Unique within one answer: "calls", "calls:minimax", "queue-depth:minimax". */
  readonly seriesKey: string;
  readonly metric: HistoryMetric;
  /** Absent: of all providers together. */
  readonly provider?: string;
  readonly currency?: string;
  /** One per element of `at`; null where nobody looked. */
  readonly values: readonly (number | null)[];
}

/** Charts. Steps without a figure (nobody looked, Redis was away) are null: a gap in the line. */
export interface MetricHistory {
  readonly stepMs: number;
  /** Beginning of each step, ascending; steps that are missing altogether are filled with null. */
  readonly at: readonly number[];
  readonly lines: readonly HistorySeries[];
}

// ---------------------------------------------------------------------------------------------------------------------
// Runs

export type RunPhaseView =
  /** sources are being read */
  | "planning"
  | "running"
  | "paused"
  /** all its lanes wait because the provider said so */
  | "snoozing"
  /** all its lanes are parked: see the lanes' reasons */
  | "parked"
  /** the output is being written */
  | "finishing"
  | "finished"
  /** cancelled, and its output is written or not yet */
  | "cancelled"
  /** no process feeds and collects it; its command, run again, goes on */
  | "stopped"
  /** Redis lists it, and nobody knows more */
  | "unknown";

export interface MoneyView {
  readonly spent: number;
  /** Of the whole run. */
  readonly expected?: number;
  readonly currency: string;
}

export interface RunSummary {
  readonly run: string;
  readonly kind?: "embedding" | "chat" | "evaluation";
  /** "minimax/embo-01"; of several models, all of them. */
  readonly model?: string;
  readonly phase: RunPhaseView;
  readonly createdAt: number;
  /** When its coordinator was last heard of. */
  readonly seenAt?: number;
  readonly finishedAt?: number;
  readonly items?: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    /** In Redis: queued, or inside a call. */
    readonly inFlight?: number;
  };
  readonly itemsPerSecond?: number;
  /** Time remaining. */
  readonly etaMs?: number;
  readonly cost?: MoneyView;
  /** Name of its output folder, the last part of the path. */
  readonly name?: string;
  readonly host?: string;
}

export interface RunList {
  readonly at: number;
  /** Newest first. */
  readonly runs: readonly RunSummary[];
  /** Runs that match the query. */
  readonly total: number;
  readonly offset: number;
}

export type RunAction = "pause" | "resume" | "cancel" | "retry" | "window" | "search" | "items";

export interface RunPage extends RunSummary {
  readonly at: number;
  readonly callsPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly calls?: {
    readonly made: number;
    readonly succeeded: number;
    readonly failed?: number;
    readonly throttled: number;
    /** Calls whose answer nobody got to use. */
    readonly paidTwice: number;
  };
  /** Inputs put back because the provider asked to wait. */
  readonly snoozes?: number;
  /** Inputs per call as a share of what a call may carry, 0 to 1. */
  readonly batchFill?: number;
  /** As the provider reported. */
  readonly tokens?: number;
  readonly failuresByKind: Readonly<Record<string, number>>;
  readonly lanes: readonly LaneView[];
  /** Items of the run in Redis at once. */
  readonly window?: number;
  /** Processing time so far, over all sessions. */
  readonly activeMs?: number;
  readonly folder: {
    /** Absolute path, on `host`. */
    readonly dir?: string;
    readonly host?: string;
    /** The server can read it: items, texts and the search are at hand. */
    readonly isReadable: boolean;
    /** When not: one sentence that says where it is, or that it is gone. */
    readonly reason?: string;
    readonly reasonCode?: "folder-on-other-host" | "folder-missing";
  };
  readonly output?: {
    readonly format: "parquet" | "jsonl" | "npy" | "batch";
    readonly files: readonly string[];
  };
  /** Items without a record. */
  readonly itemsWithoutRecord?: number;
  /**
   * Why it stopped, and what to do; with phase "stopped" only. `killed`: its process ended without a word; `told`: the
   * message is what its process said, as it is of the others. `command` goes on with it, as far as its folder tells: further options that it was
   * started with are to be given again.
   */
  readonly stopped?: {
    readonly code?: "killed" | "interrupted" | "parked" | "budget" | "reported";
    readonly message: string;
    readonly hint?: string;
    readonly command?: string;
  };
  /** Cancelled while no process was there to write the output: nothing is written until its command is run again. */
  readonly outputPending?: { readonly command?: string };
  /**
   * What can be done at this moment, whoever asks (see `Session.mayAct` for that). An action that is missing has its
   * reason in `refusals`, when there is something to say.
   */
  readonly actions: readonly RunAction[];
  readonly refusals: Readonly<Partial<Record<RunAction, string>>>;
  /** The same as codes. */
  readonly refusalCodes?: Readonly<Partial<Record<RunAction, RefusalReason>>>;
  /** The latest retry that this server started for the run. */
  readonly retry?: RetryStatus;
}

// ---------------------------------------------------------------------------------------------------------------------
// Failures

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

// ---------------------------------------------------------------------------------------------------------------------
// Items

export type ItemStatus = "succeeded" | "failed" | "waiting";

/** Query of GET /api/runs/:run/items. */
export interface ItemQuery {
  /** What to look for; empty: all items. */
  readonly text?: string;
  /** Where: the id holds it (default), or the item's text does (operator; reads the whole spool, so it may take pages). */
  readonly in?: "id" | "text";
  readonly status?: ItemStatus;
  /** Kind of failure. */
  readonly kind?: string;
  /** A cluster, as `FailureCluster.cluster` names it. */
  readonly cause?: string;
  /** Index to begin at: 0, or an earlier answer's `next`. */
  readonly from?: number;
  /** 1 to 200; 50 by default. */
  readonly limit?: number;
}

export interface ItemSummary {
  readonly index: number;
  readonly id: string;
  readonly status: ItemStatus;
  /** Estimated while it waits, then as the provider reported. */
  readonly tokens?: number;
  readonly attempts?: number;
  readonly failure?: FailureView;
}

export interface FailureView {
  readonly kind: string;
  readonly code?: string;
  readonly message: string;
}

export interface ItemPage {
  readonly items: readonly ItemSummary[];
  /** Where to go on; absent: this was the end. A page may be empty and yet have a next one, when a search takes long. */
  readonly next?: number;
  /** Items looked at so far over items of the run, 0 to 1. */
  readonly searchedShare: number;
}

/** A text that is not shown until an operator asks. */
export interface MaskedText {
  readonly characters?: number;
  /** Why there is none at all ("the output holds no texts", "not answered yet"). */
  readonly absentReason?: string;
  /** The same as a code; `vector`: it stands in the output, and is no text; `not-kept`: the output holds none. */
  readonly absentCode?: "not-answered" | "failed" | "vector" | "not-kept";
}

export interface AttemptView {
  readonly number: number;
  /** When the call began. */
  readonly at?: number;
  readonly durationMs?: number;
  readonly lane?: string;
  readonly worker?: string;
  readonly outcome: "succeeded" | "failed" | "throttled" | "lost" | "running";
  readonly failure?: FailureView;
}

export interface ItemHistory extends ItemSummary {
  readonly at: number;
  readonly run: string;
  readonly model?: string;
  /** Where it comes from, as far as it is known: file name, line. Text. */
  readonly origin?: string;
  readonly recordedAt?: number;
  readonly answer?: {
    readonly finishReason?: string;
    readonly inputTokens?: number;
    readonly outputTokens?: number;
    /** Floats of its vector. */
    readonly dimensions?: number;
  };
  /**
   * Every upstream call for it that is known, in order. Throttled ones are no attempts: their number comes again. Of
   * failed ones, the newest 10,000 of the run are kept, for a week.
   */
  readonly history: readonly AttemptView[];
  readonly request: MaskedText;
  readonly response: MaskedText;
}

/** Plain texts, cut at 256 KiB each; `cut` tells how many characters were left out. */
export interface RevealedItem {
  readonly request?: { readonly text: string; readonly cut?: number };
  readonly response?: { readonly text: string; readonly cut?: number };
}

export interface LatestRecord {
  readonly index: number;
  /** When the folder is at hand. */
  readonly id?: string;
  readonly at: number;
  readonly attempts: number;
  readonly tokens: number;
  /** The first few floats of its vector, for the eye. */
  readonly vector?: readonly number[];
  readonly dimensions?: number;
  readonly failure?: FailureView;
}

export interface LatestRecords {
  readonly run: string;
  readonly at: number;
  /** Oldest first, at most 50. */
  readonly records: readonly LatestRecord[];
}

// ---------------------------------------------------------------------------------------------------------------------
// Live chats

export interface LiveChat {
  /** Goes into ?chat= of the event stream; "run/index" for an item of a run, which is not followed. */
  readonly item: string;
  readonly model: string;
  readonly queue: string;
  readonly submittedAt?: number;
  readonly startedAt?: number;
  /** The attempt that is under way; of an item that was submitted on its own. */
  readonly attempt?: number;
  /** Answering: deltas of this attempt have come. Waiting: for a reservation, or for the first delta. Absent: not known. */
  readonly state?: "answering" | "waiting";
  /** Its deltas can be followed. */
  readonly isStreaming: boolean;
  /** Of a run's item: shown, but not followed. */
  readonly run?: string;
  readonly index?: number;
}

export interface LiveChats {
  readonly at: number;
  /** Items whose jobs workers hold at this moment: those that can be followed, then the others, newest first; at most 100. */
  readonly chats: readonly LiveChat[];
  /** Altogether; at least, where there are more than are shown. */
  readonly total: number;
  /** Upstream calls for chats under way at this moment, over all workers. */
  readonly answering?: number;
}

/** Deltas after the last `reset` give the text so far. Append as text nodes. */
export type LiveChatEvent =
  | {
      readonly item: string;
      readonly type: "text" | "reasoning" | "tools";
      readonly attempt: number;
      readonly delta: string;
    }
  | { readonly item: string; readonly type: "reset"; readonly attempt: number }
  /** The record is committed: the whole answer, or why there is none. */
  | {
      readonly item: string;
      readonly type: "end";
      readonly text?: string;
      readonly finishReason?: string;
      readonly failure?: FailureView;
    };

// ---------------------------------------------------------------------------------------------------------------------
// Changes

export interface RunActionResult {
  readonly run: string;
  readonly changed: boolean;
  readonly phase: RunPhaseView;
  /** Cancelled, and no process is there to write the output: its command, run again, does. */
  readonly outputPending?: true;
  /** One sentence on what happens now. */
  readonly message: string;
}

export interface SetWindow {
  /** 1 to 1,000,000. */
  readonly items: number;
}

/** At least one figure, or `clear`. Figures are whole numbers of 1 or more. */
export interface SetLaneLimits {
  readonly lane: string;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrency?: number;
  /** Takes back everything that was set before the figures given are set. */
  readonly clear?: true;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly userName: string;
  readonly role: Role;
  /** "pause", "cancel", "retry", "set-limit", "reveal", "sign-in" ... */
  readonly action: string;
  /** A run, an item of a run, a lane. Absent for a sign-in. */
  readonly target?: string;
  /** Figures that were given; never a text of an item. */
  readonly detail?: string;
  /** The act was refused, and nothing of it was done; absent: it was done. */
  readonly outcome?: "refused";
  /** Why it was refused. */
  readonly reason?: RefusalReason | ErrorCode;
}

export interface AuditPage {
  /** Newest first. */
  readonly lines: readonly AuditEntry[];
  /** Goes into ?before= for older ones. */
  readonly next?: string;
}

// ---------------------------------------------------------------------------------------------------------------------
// Search

export interface SearchRequest {
  readonly text: string;
  /** 1 to 50; 10 by default. */
  readonly top?: number;
}

export interface SearchHit {
  readonly index: number;
  readonly id: string;
  /** Cosine, 1 for the same direction. */
  readonly score: number;
  /** Where the output holds texts; cut at 1,000 characters. */
  readonly text?: string;
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  readonly model: string;
  readonly tookMs: number;
}
