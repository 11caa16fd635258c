import type { Clock } from "#src/core/clock.ts";
import type { SourceProblem } from "#src/producer/input/source.ts";
import type { PlanProgress } from "#src/producer/plan/plan.ts";
import type { RunSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";
import type { ExecutionEvent } from "#src/producer/runs/run-environment.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";

/**
 * Reports the progress of a run: a panel on a terminal, plain lines elsewhere, or one JSON object per event. The order of
 * calls is planning*, start, progress*, end, with events at any time. `close` may be called at any time and repeatedly,
 * and restores the terminal; `end` does the same after its last line.
 */
export interface RunReporter {
  planning(progress: PlanProgress): void;
  start(start: RunStart): void;
  progress(snapshot: RunSnapshot): void;
  event(event: RunEvent): void;
  end(end: RunEnd): void;
  close(): void;
}

export interface RunStart {
  readonly runId: string;
  /** "minimax/embo-01" */
  readonly model: string;
  /** The output folder, as the user named it. */
  readonly output: string;
  readonly items: number;
  /** Items that already have a record; above 0 when a run is resumed. */
  readonly done: number;
}

/** Events of a run other than its progress. */
export type RunEvent =
  | ExecutionEvent
  /** A worker process of this command exited unexpectedly. */
  | { readonly type: "worker-lost"; readonly detail: string; readonly restarted: boolean };

export type RunEnd =
  | { readonly outcome: "finished"; readonly report: RunManifest; readonly output: string }
  | {
      readonly outcome: "stopped";
      readonly message: string;
      readonly hint?: string;
      /** Why the input was refused; the first ones of many. */
      readonly problems?: readonly SourceProblem[];
    };

/** The part of a stream that reporters use; `process.stdout` and `process.stderr` are such streams. */
export type OutputStream = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number;
};

/** Timestamps, and intervals between messages. */
export type ReporterClock = Pick<Clock, "now" | "monotonic">;
