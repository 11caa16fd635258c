import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { QueueView, RedisView } from "#src/dashboard/overview/overview-api.ts";
import type { RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import type { LaneStats } from "#src/state/telemetry/telemetry.ts";
import type { ListedWorker } from "#src/state/workers/worker-list.ts";

/** A run that has a coordinator, or had one within the last hour and did not end properly. */
export interface CoordinatedRun {
  readonly run: string;
  readonly hasCoordinator: boolean;
  /** Time since its coordinator last published its progress, ms. */
  readonly silentMs: number;
  /** Absent during planning. */
  readonly items?: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly inFlight: number;
  };
}

/** Everything that `/metrics` exports, at one moment. Unknown values are absent, never zero. */
export interface MetricsSample {
  readonly version: string;
  readonly lanes: readonly LaneView[];
  /** Lane name -> counters since its first call. */
  readonly totals: ReadonlyMap<string, LaneStats>;
  /** All committed records by outcome: `ok`, or the failure kind. */
  readonly records: Readonly<Record<string, number>>;
  readonly queues: readonly (QueueView & { readonly provider: string })[];
  readonly workers: readonly ListedWorker[];
  readonly redis: RedisView;
  /** Without ended runs, whose series must disappear. */
  readonly runs: readonly CoordinatedRun[];
  /** The number of unended runs by phase. */
  readonly runsByPhase: Readonly<Partial<Record<RunPhaseView, number>>>;
}
