import type { LaneFigures } from "../../queue/telemetry.ts";
import type { ListedWorker } from "../../queue/worker-list.ts";
import type { LaneView, QueueView, RedisView } from "../contract.ts";

/** A run that some process coordinates at this moment. */
export interface CoordinatedRun {
  readonly run: string;
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
  readonly totals: ReadonlyMap<string, LaneFigures>;
  /** Records committed since ever: `ok`, or the kind of their failure. */
  readonly records: Readonly<Record<string, number>>;
  readonly queues: readonly (QueueView & { readonly provider: string })[];
  readonly workers: readonly ListedWorker[];
  readonly redis: RedisView;
  /** Only those that are coordinated: a run that has ended must not keep its series. */
  readonly runs: readonly CoordinatedRun[];
}
