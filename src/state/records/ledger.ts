import type { CallSize, Claim, CommitResult, RunCounters } from "#src/state/runs/run-ledger.ts";
import type { WireRecord } from "./record-codec.ts";

/**
 * What a worker needs of whoever keeps the records: the ledger of a run, or that of an item submitted on its own.
 * Everything may be called twice; the first valid record of an item wins.
 */
export interface Ledger {
  claim(job: string, indices: readonly number[]): Promise<Claim>;
  /** Ends a claim in an orderly way; does nothing when somebody else has claimed the job since. */
  release(job: string, claim: Pick<Claim, "claims">): Promise<void>;
  commit(records: readonly WireRecord[], dimensions: number, options?: { answered?: CallSize }): Promise<CommitResult>;
  addAttempts(indices: readonly number[]): Promise<void>;
  countCall(): Promise<void>;
  count(counters: RunCounters): Promise<void>;
}
