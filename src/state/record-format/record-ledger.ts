import type { CallSize, Claim, CommitResult, RunCounters } from "#src/state/runs/run-ledger.ts";
import type { WireRecord } from "./record-codec.ts";

/**
 * Stores records for workers: the ledger of a run or of a standalone item. All methods are idempotent, and the first
 * valid record of an item wins.
 */
export interface Ledger {
  claim(job: string, indices: readonly number[]): Promise<Claim>;
  /** Ends a claim; does nothing if another worker has claimed the job since. */
  release(job: string, claim: Pick<Claim, "claims">): Promise<void>;
  commit(records: readonly WireRecord[], dimensions: number, options?: { answered?: CallSize }): Promise<CommitResult>;
  addAttempts(indices: readonly number[]): Promise<void>;
  countCall(): Promise<void>;
  count(counters: RunCounters): Promise<void>;
}
