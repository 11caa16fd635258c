/**
 *   GET  /api/runs?offset=0&limit=50                 viewer      -> RunList
 *        &state= (a phase) &text= &from=&before= (epoch ms, by start time) &sort=started&order=descending
 *   GET  /api/runs/:run                              viewer      -> RunPage
 *   POST /api/runs/:run/pause | resume | cancel      operator    {} -> RunActionResult    (resume starts a process for a stopped run)
 *   POST /api/runs/:run/window                       operator    { items } -> RunActionResult, 1 to 1,000,000
 *   POST /api/runs/:run/label                        operator    { name?, note? } -> RunActionResult    (an empty text removes it)
 *   POST /api/runs/:run/delete                       operator    { outputs? } -> RunActionResult
 */

import type { RefusalReason } from "#src/dashboard/http/error-api.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { RetryStatus } from "./retry-api.ts";

/** In the order in which pages list them. */
export const RUN_PHASES = [
  /** The input is being read. */
  "planning",
  "running",
  "paused",
  /** All its lanes are snoozed. */
  "snoozing",
  /** All its lanes are parked; see their reasons. */
  "parked",
  /** It has no coordinator; it can be resumed. */
  "stopped",
  /** The output is being written. */
  "finishing",
  "finished",
  /** Cancelled; its output may not be written yet. */
  "cancelled",
  /** Redis lists it, but nothing else is known. */
  "unknown",
] as const;

export type RunPhaseView = (typeof RUN_PHASES)[number];

export interface MoneyView {
  readonly spent: number;
  /** For the whole run. */
  readonly expected?: number;
  readonly currency: string;
}

export interface RunSummary {
  readonly run: string;
  readonly kind?: "embedding" | "chat" | "rerank" | "evaluation";
  /** "minimax/embo-01"; all models if there are several. */
  readonly model?: string;
  readonly phase: RunPhaseView;
  readonly createdAt: number;
  /** Last sign of life of its coordinator. */
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
  /** Given by a user; otherwise the last part of the path of its output folder. */
  readonly name?: string;
  /** Given by a user. */
  readonly note?: string;
  readonly host?: string;
}

/** The columns of the list of runs, which it can be sorted by. */
export const RUN_SORT_KEYS = ["run", "state", "progress", "rate", "timeLeft", "cost", "started"] as const;

export type RunSortKey = (typeof RUN_SORT_KEYS)[number];

export interface RunList {
  readonly at: number;
  /** Newest first, unless the query has another order. */
  readonly runs: readonly RunSummary[];
  /** Runs that match the query. */
  readonly total: number;
  readonly offset: number;
}

export type RunAction = "pause" | "resume" | "cancel" | "retry" | "window" | "search" | "items" | "rename" | "delete";

export interface RunPage extends RunSummary {
  readonly at: number;
  /** The name that a user gave it; `name` also is that of its folder. */
  readonly givenName?: string;
  readonly callsPerSecond?: number;
  readonly tokensPerSecond?: number;
  readonly calls?: {
    readonly made: number;
    readonly succeeded: number;
    readonly failed?: number;
    readonly throttled: number;
    /** Duplicate calls, whose answer was not needed. */
    readonly paidTwice: number;
    /** Counts were lost: the numbers are lower bounds. */
    readonly isLowerBound?: boolean;
  };
  /** When the limits allow the next call, if all lanes of the run wait for that; epoch ms. */
  readonly nextCallAt?: number;
  /** What each model has cost, if the run has several; without a cost, the price of the model is unknown. */
  readonly costs?: readonly {
    readonly model: string;
    readonly cost?: { readonly amount: number; readonly currency: string };
  }[];
  /** Inputs that were deferred because the provider asked to wait. */
  readonly snoozes?: number;
  /** Inputs per call as a share of the call's capacity, 0 to 1. */
  readonly batchFill?: number;
  /** As reported by the provider. */
  readonly tokens?: number;
  readonly failuresByKind: Readonly<Record<string, number>>;
  readonly lanes: readonly LaneView[];
  /** Maximum number of the run's items in Redis at once. */
  readonly window?: number;
  /** Time with a coordinator so far, over all sessions. */
  readonly activeMs?: number;
  readonly folder: {
    /** Absolute path, on `host`. */
    readonly dir?: string;
    readonly host?: string;
    /** The server can read it: items, texts and the search are available. */
    readonly isReadable: boolean;
    /** If not readable: where it is, or that it no longer exists. */
    readonly reason?: string;
    readonly reasonCode?: "folder-on-other-host" | "folder-missing";
  };
  /** The command line that started the run last, for a shell, and its working directory. */
  readonly startedWith?: { readonly command: string; readonly cwd: string };
  readonly output?: {
    readonly format: "parquet" | "jsonl" | "npy" | "batch";
    readonly files: readonly string[];
  };
  /** Items without a record. */
  readonly itemsWithoutRecord?: number;
  /**
   * Why it stopped and what to do; only in phase "stopped". `killed`: its process exited unexpectedly; otherwise the
   * message comes from its process (`reported`: for another reason than those listed). `command` resumes the run, on
   * the host of its folder.
   */
  readonly stopped?: {
    readonly code?: "killed" | "interrupted" | "parked" | "budget" | "reported";
    readonly message: string;
    readonly hint?: string;
    readonly command?: string;
  };
  /** Cancelled without a coordinator: the output is written when the run is resumed, with `command`. */
  readonly outputPending?: { readonly command?: string };
  /**
   * The actions that the run's state allows, whatever the user's role (see `Session.canOperate`). `refusals` says why a
   * missing action is not available, unless that is obvious.
   */
  readonly actions: readonly RunAction[];
  readonly refusals: Readonly<Partial<Record<RunAction, string>>>;
  /** The same as codes. */
  readonly refusalCodes?: Readonly<Partial<Record<RunAction, RefusalReason>>>;
  /** The latest process for the run that this server started. */
  readonly retry?: RetryStatus;
}

export interface RunActionResult {
  readonly run: string;
  readonly changed: boolean;
  readonly phase: RunPhaseView;
  /** Cancelled without a coordinator: the output is written when the run is resumed. */
  readonly outputPending?: true;
  /** What happens next, in English. */
  readonly message: string;
}
