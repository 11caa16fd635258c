import type { LaneView } from "#src/dashboard/overview/lane-api.ts";
import type { QueueView, RedisView } from "#src/dashboard/overview/overview-api.ts";
import type { RunPhaseView } from "#src/dashboard/runs/run-api.ts";
import type { LaneStats } from "#src/state/telemetry/telemetry.ts";
import type { ListedWorker } from "#src/state/workers/worker-list.ts";

/** A run that some process coordinates at this moment, or did within the last hour and has not said that it ended. */
export interface CoordinatedRun {
  readonly run: string;
  /** Some process feeds and collects it at this moment. */
  readonly hasCoordinator: boolean;
  /** Since its coordinator last told how far it is, ms. */
  readonly silentMs: number;
  /** Absent while it is still planned. */
  readonly items?: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly inFlight: number;
  };
}

/** Everything that `/metrics` tells, as seen at one moment. What is not known is absent, never zero. */
export interface MetricsSample {
  readonly version: string;
  readonly lanes: readonly LaneView[];
  /** By the lane's name: its figures since ever. */
  readonly totals: ReadonlyMap<string, LaneStats>;
  /** Records committed since ever: `ok`, or the kind of their failure. */
  readonly records: Readonly<Record<string, number>>;
  readonly queues: readonly (QueueView & { readonly provider: string })[];
  readonly workers: readonly ListedWorker[];
  readonly redis: RedisView;
  /** A run that has ended must not keep its series. */
  readonly runs: readonly CoordinatedRun[];
  /** How many of all runs that are not at their end are in which phase. */
  readonly runsByPhase: Readonly<Partial<Record<RunPhaseView, number>>>;
}
