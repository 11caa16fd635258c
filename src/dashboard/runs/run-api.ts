/**
 *   GET  /api/runs?offset=0&limit=50&state=&text=    viewer      -> RunList
 *   GET  /api/runs/:run                              viewer      -> RunPage
 *   POST /api/runs/:run/pause | resume | cancel      operator    {} -> RunActionResult
 *   POST /api/runs/:run/window                       operator    SetWindow -> RunActionResult
 */

import type { RefusalReason } from "#src/dashboard/http/error-api.ts";
import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { RetryStatus } from "./retry-api.ts";

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
