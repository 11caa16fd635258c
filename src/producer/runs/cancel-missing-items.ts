import type { RunStore } from "#src/producer/storage/run-store.ts";
import type { WireRecord } from "#src/state/record-format/record-codec.ts";

/** Records per write, because a run of millions of items may be cancelled at its first one. */
const RECORDS_PER_WRITE = 10_000;

/** Stores an error record of kind "cancelled" for every item without a record. Resolves with these records. */
export async function cancelMissingItems(store: RunStore): Promise<WireRecord[]> {
  const cancelled: WireRecord[] = [];
  const failure = { kind: "cancelled", message: "the run was cancelled before this item had a record" } as const;
  for (const { start, end } of [...store.missing()]) {
    for (let index = start; index < end; index++) cancelled.push({ index, attempts: 0, tokens: 0, failure });
  }
  for (let at = 0; at < cancelled.length; at += RECORDS_PER_WRITE) {
    await store.write(cancelled.slice(at, at + RECORDS_PER_WRITE));
    await store.sync();
  }
  return cancelled;
}
