import type { TraceContext } from "#src/core/tracer.ts";
import type { TenantShare } from "#src/queues/payload.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import type { JobCompletion } from "#src/workers/jobs/job-completion.ts";

/** Counts the calls of a suspect input that never ended, because their worker died. */
export interface CallGuard {
  /** Called immediately before each call. False: the call must not be made. */
  enter(): Promise<boolean>;
  /** Called when the call has ended, whatever its outcome. */
  leave(): Promise<void>;
}

/** One item inside a worker, from its job to its record. */
export interface PendingInput {
  /** The run it belongs to, or the item's id if it is a standalone item. */
  readonly runId: string;
  readonly isStandalone?: boolean;
  /** Whose input it is; absent for the operator's own. */
  readonly tenant?: TenantShare | undefined;
  /** Interactive inputs are served before bulk inputs. */
  readonly isInteractive: boolean;
  readonly ledger: Ledger;
  readonly completion: JobCompletion;
  readonly index: number;
  /** Estimated tokens. */
  readonly tokens: number;
  readonly bytes: number;
  /** By the monotonic clock, ms. */
  readonly arrivedAt: number;
  /** Its claim while that is in progress: the call waits for it, and is not made when it resolves to false. */
  readonly claim?: Promise<boolean>;
  /** For an input that is called alone, because it is suspected of crashing its worker. */
  readonly callGuard?: CallGuard;
  /** The trace context of its job, if the job is traced. */
  readonly trace?: TraceContext | undefined;
  /** Failed attempts, over all workers and restarts. */
  attempts: number;
  /** Failed attempts that count towards the limit of attempts; those made while the lane was out and refusals of several inputs do not. */
  chargedAttempts: number;
  /** Throttle answers in a row. */
  snoozes: number;
  /** Refusals whose cause stayed unknown; absent before the first. */
  undecided?: number;
}

/** Groups inputs by run: a batch may carry inputs of several runs, and each run has its own ledger. */
export function groupByRun<T extends { readonly runId: string }>(inputs: readonly T[]): T[][] {
  const runs = new Map<string, T[]>();
  for (const input of inputs) {
    const list = runs.get(input.runId);
    if (list) list.push(input);
    else runs.set(input.runId, [input]);
  }
  return [...runs.values()];
}
