import type { TraceContext } from "#src/core/tracer.ts";
import type { Ledger } from "#src/state/records/ledger.ts";
import type { JobCompletion } from "#src/workers/jobs/job-completion.ts";

/** One item inside a worker, from its job to its record. */
export interface PendingInput {
  /** The run it belongs to, or its own id when it was submitted on its own. */
  readonly runId: string;
  /** Goes before everything that is not. */
  readonly isInteractive: boolean;
  readonly ledger: Ledger;
  readonly completion: JobCompletion;
  readonly index: number;
  /** Estimated. */
  readonly tokens: number;
  readonly bytes: number;
  readonly arrivedAt: number;
  /** Its claim, while that is under way: nothing is called before it, or when it says no. */
  readonly claim?: Promise<boolean>;
  /** Of its job, where that is traced. */
  readonly trace?: TraceContext | undefined;
  /** Failed attempts, over all workers and restarts. */
  attempts: number;
  /** Those of them that the budget counts: attempts made while the whole lane was out are not. */
  chargedAttempts: number;
  /** Throttle answers in a row. */
  snoozes: number;
}

/** Inputs by run: a batch may carry inputs of several runs, and each has its own ledger. */
export function groupByRun<T extends { readonly runId: string }>(inputs: readonly T[]): T[][] {
  const runs = new Map<string, T[]>();
  for (const input of inputs) {
    const list = runs.get(input.runId);
    if (list) list.push(input);
    else runs.set(input.runId, [input]);
  }
  return [...runs.values()];
}
