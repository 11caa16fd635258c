import type { WireRecord } from "#src/state/record-format/record-codec.ts";
import type { Ledger } from "#src/state/record-format/record-ledger.ts";
import type { RunCounter } from "#src/state/runs/run-ledger.ts";

export interface MemoryLedger extends Ledger {
  /** The record of each item: the first one committed. */
  readonly records: ReadonlyMap<number, WireRecord>;
  /** Number of commits for items that already had a record. */
  readonly refused: number;
  readonly counters: Readonly<Partial<Record<RunCounter, number>>>;
}

/** An in-memory ledger of one run. The first record of an item wins. */
export function createMemoryLedger(): MemoryLedger {
  const records = new Map<number, WireRecord>();
  const failedAttempts = new Map<number, number>();
  const claims = new Map<string, number>();
  const counters: Partial<Record<RunCounter, number>> = {};
  let refused = 0;
  const add = (name: RunCounter, by: number) => {
    counters[name] = (counters[name] ?? 0) + by;
  };
  return {
    records,
    counters,
    get refused() {
      return refused;
    },
    async claim(job, indices) {
      claims.set(job, (claims.get(job) ?? 0) + 1);
      return {
        state: "running",
        claims: claims.get(job) ?? 0,
        open: indices.map((index) => !records.has(index)),
        attempts: indices.map((index) => failedAttempts.get(index) ?? 0),
      };
    },
    async release(job, claim) {
      if (claims.get(job) === claim.claims) claims.delete(job);
    },
    async commit(committed) {
      const fresh = committed.filter(({ index }) => !records.has(index));
      for (const record of fresh) records.set(record.index, record);
      refused += committed.length - fresh.length;
      return { accepted: fresh.length, refused: committed.length - fresh.length, isGone: false };
    },
    async addAttempts(indices) {
      for (const index of indices) failedAttempts.set(index, (failedAttempts.get(index) ?? 0) + 1);
    },
    countCall: async () => add("callsMade", 1),
    async count(by) {
      for (const [name, value] of Object.entries(by)) add(name as RunCounter, value ?? 0);
    },
  };
}
