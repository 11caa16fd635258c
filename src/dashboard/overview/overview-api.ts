/**
 *   GET /api/overview    viewer    -> Overview
 */

import type { MoneyView, RunPhaseView, RunSummary } from "#src/dashboard/runs/run-api.ts";
import type { ServerHealth } from "#src/dashboard/snapshot/server-health.ts";
import type { LaneView } from "./lane-api.ts";

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
