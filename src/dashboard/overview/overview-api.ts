/**
 *   GET /api/overview    viewer    -> Overview
 */

import type { MoneyView, RunPhaseView, RunSummary } from "#src/dashboard/runs/run-api.ts";
import type { ServerHealth } from "#src/dashboard/sampling/server-health.ts";
import type { RunPeriod } from "./history-api.ts";
import type { LaneView } from "./lane-api.ts";

export interface Overview {
  /** When the snapshot was taken. */
  readonly at: number;
  readonly health: ServerHealth;
  /** Sorted by name: lanes with calls within the last day, and lanes of active runs. */
  readonly lanes: readonly LaneView[];
  /** Sorted by name. */
  readonly providers: readonly ProviderView[];
  /** Alive workers first, then those that died within the last minutes. */
  readonly workers: readonly WorkerView[];
  /** Lanes for which workers are configured with different limits, with all limits and processes. */
  readonly limitConflicts?: readonly { readonly lane: string; readonly limits: string }[];
  readonly redis: RedisView;
  readonly runs: {
    /** The number of runs per phase, over all runs that Redis lists. */
    readonly byPhase: Readonly<Partial<Record<RunPhaseView, number>>>;
    /** Runs that have not ended, newest first, at most 20; stopped and parked runs take precedence. */
    readonly active: readonly RunSummary[];
    /** The number of all runs that have not ended. */
    readonly activeTotal?: number;
    /** Runs that finished or were cancelled within the last hour, latest first, at most 5. */
    readonly recentlyFinished?: readonly RunSummary[];
    /** Spent, and expected if known for each run, over all runs that have not ended, by currency. */
    readonly money?: readonly MoneyView[];
    /** The number of unended runs that have results but no known cost; `money` excludes them. */
    readonly unpriced?: number;
  };
  /** Jobs of standalone items: those in the interactive queues, or in all queues while no run is active. */
  readonly standalone?: { readonly waiting: number; readonly active: number };
  /** Spent within the last 24 hours, including standalone items, by currency; by the time at which calls ended. */
  readonly spentLastDay?: readonly MoneyView[];
  /** All providers together. */
  readonly totals: Throughput;
  /**
   * The newest point of /api/history, which may still grow: replace the last point of the chart if `at` is the same,
   * else append it.
   */
  readonly latest: { readonly hour?: LatestPoint; readonly day?: LatestPoint };
}

export interface LatestPoint {
  readonly at: number;
  /** One value per series, by `seriesKey`. */
  readonly values: Readonly<Record<string, number>>;
  /** Replaces the `runs` of /api/history. */
  readonly runs: readonly RunPeriod[];
}

/** Rates over the last minute. */
export interface Throughput {
  /** Upstream calls that succeeded. */
  readonly callsPerMinute?: number;
  /** Items that got a result or a final failure. */
  readonly itemsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Calls that failed, except throttled ones. */
  readonly failuresPerMinute?: number;
  readonly throttlesPerMinute?: number;
}

export interface ProviderView extends Throughput {
  readonly name: string;
  readonly queues: readonly QueueView[];
  /** Duration of an upstream call, over the last five minutes. */
  readonly upstreamMs?: Percentiles;
  /** Time to the first token of streamed chats, over the last five minutes. */
  readonly firstTokenMs?: Percentiles;
  /** Share of failed calls over the last five minutes, 0 to 1; includes throttled calls. */
  readonly errorRate?: number;
  /** Errors by kind over the last five minutes; kinds without errors are absent. */
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
  readonly kind: "embedding" | "chat" | "rerank";
  readonly priority: "bulk" | "interactive";
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** The queue itself was paused (on bull-board): its jobs wait, whatever the state of their runs. */
  readonly paused?: true;
}

export interface WorkerView {
  readonly id: string;
  /** dead: no heartbeat for more than 15 s. */
  readonly state: "alive" | "dead";
  readonly host?: string;
  readonly pid?: number;
  readonly version?: string;
  readonly startedAt?: number;
  /** Last heartbeat. */
  readonly seenAt: number;
  readonly jobsInFlight?: number;
  readonly callsInFlight?: number;
  /** When it last took a job. */
  readonly lastClaimAt?: number;
  /** Names of the queues that it takes jobs from. */
  readonly queues: readonly string[];
}

export interface RedisView {
  /** "7.4.1" */
  readonly version?: string;
  /** Started by Sluice itself. */
  readonly isPrivate: boolean;
  readonly usedBytes?: number;
  /** maxmemory; absent if it is not set. */
  readonly maxBytes?: number;
  /** The dashboard warns above this: 75 % of `maxBytes`. */
  readonly warningBytes?: number;
  readonly clients?: number;
  readonly commandsPerSecond?: number;
  /** Time that the latest snapshot took. */
  readonly roundTripMs?: number;
}
