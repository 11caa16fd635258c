import type { Clock } from "#src/core/clock.ts";
import { coerceError } from "#src/core/failures/errors.ts";
import type { Failure } from "#src/core/item.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import { type CallSize, RunLedger } from "#src/state/runs/run-ledger.ts";
import { groupByRun, type PendingInput } from "#src/workers/dispatch/pending-input.ts";
import { ReturnToQueue } from "#src/workers/jobs/return-to-queue.ts";
import type { WorkerLog } from "#src/workers/worker-log.ts";
import type { CallObserver } from "./call-observer.ts";

export interface CommitDeps {
  readonly clock: Clock;
  readonly log: WorkerLog;
  /** Aborts when the grace period is over. */
  readonly signal: AbortSignal;
  readonly observer?: CallObserver;
}

/**
 * Commits the records of one answer, each to the ledger of its item. The answer is paid for, so this is retried until
 * the worker stops: Redis may be restarting or full. Giving up (only at the end of the grace period) costs a second
 * call later, but never a record.
 */
export async function commitRecords<I extends PendingInput>(
  inputs: readonly I[],
  recordOf: (input: I) => WireRecord,
  { dimensions = 0, answered }: { readonly dimensions?: number; readonly answered?: CallSize },
  deps: CommitDeps,
): Promise<void> {
  await Promise.all(
    groupByRun(inputs).map((runInputs, i) =>
      commitUntilDone(
        runInputs,
        runInputs.map(recordOf),
        dimensions,
        answered && splitCallSize(answered, runInputs.length, i === 0),
        deps,
      ),
    ),
  );
}

/**
 * A run's share of a call that carries inputs of several runs. Every run counts its own inputs; the call itself and its
 * unused capacity count for the first run only, so that the counters of all runs add up to the calls that were made.
 */
export function splitCallSize({ inputs, capacity }: CallSize, own: number, isFirst: boolean): CallSize {
  if (isFirst) return { inputs: own, capacity: capacity - (inputs - own) };
  return { inputs: own, capacity: own, isShared: true };
}

/** Commits the failure of inputs as their record. */
export async function commitFailure(
  inputs: readonly PendingInput[],
  failure: Failure,
  deps: CommitDeps,
): Promise<void> {
  const recordOf = ({ index, attempts }: PendingInput) => ({ index, attempts, tokens: 0, failure });
  await commitRecords(inputs, recordOf, {}, deps);
}

/** Like `commitFailure`, but rejects with `ReturnToQueue` when the commit was given up. */
export async function recordFailure(
  inputs: readonly PendingInput[],
  failure: Failure,
  deps: CommitDeps,
): Promise<void> {
  await commitFailure(inputs, failure, deps);
  if (deps.signal.aborted) throw new ReturnToQueue("the worker is stopping");
}

async function commitUntilDone(
  inputs: readonly PendingInput[],
  records: readonly WireRecord[],
  dimensions: number,
  answered: CallSize | undefined,
  { clock, log, signal, observer }: CommitDeps,
): Promise<void> {
  const [first] = inputs;
  if (!first) return;
  const { ledger } = first;
  // The run may end with these records, and nobody would read what is written after them.
  if (ledger instanceof RunLedger) await observer?.flushAttempts(first.runId);
  for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(5_000, pauseMs * 2)) {
    try {
      const { accepted } = await ledger.commit(records, dimensions, { answered });
      observer?.countRecords(records[0]?.failure?.kind ?? "ok", accepted);
      for (const input of inputs) input.completion.markRecorded();
      return;
    } catch (error) {
      log.warn("could not commit records; retrying", { error: coerceError(error).message });
      await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
  }
}
