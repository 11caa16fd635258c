import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { decodeRecords, type WireRecord } from "#src/state/record-format/record-codec.ts";
import type { LatestRecord } from "./item-api.ts";
import type { RunItemReader } from "./reading/run-item-reader.ts";
import { StoredRecords } from "./reading/stored-records.ts";

const SHOWN_FLOATS = 8;

/** The records of one entry of the results stream; none for an unreadable frame, which the coordinator reports. */
export function decodeEntry(id: string, frame: Buffer | undefined): LatestRecord[] {
  if (!frame) return [];
  try {
    const { records, dimensions } = decodeRecords(frame);
    const at = Number(id.split("-")[0]);
    return records.map((record) => toLatestRecord(record, at, dimensions));
  } catch {
    return [];
  }
}

function toLatestRecord(record: WireRecord, at: number, dimensions: number): LatestRecord {
  const { index, attempts, tokens, vector, failure } = record;
  const length = vector ? Math.min(SHOWN_FLOATS, Math.floor(vector.length / 4)) : 0;
  const floats = Array.from({ length }, (_, i) => vector?.readFloatLE(i * 4) ?? 0);
  return {
    index,
    at,
    attempts,
    tokens,
    vector: length > 0 ? floats : undefined,
    dimensions: length > 0 ? dimensions : undefined,
    failure,
  };
}

/** Records from a run's folder; those that cannot be read (yet, or any more) are left out. */
export async function readStoredRecords(
  reader: RunItemReader,
  folder: RunFolder,
  completedCalls: readonly { readonly index: number; readonly at: number }[],
): Promise<LatestRecord[]> {
  await using records = new StoredRecords(folder.dir);
  const found: LatestRecord[] = [];
  // One by one, because the first read opens the files of the store.
  for (const { index, at } of completedCalls) {
    const item = await reader.readItem(folder, index);
    if (item?.status !== "succeeded") continue;
    const [slot] = folder.itemsFile === undefined ? [] : await records.slots(index, 1);
    const vector = slot && (await records.vector(slot));
    const { id, attempts = slot?.attempts ?? 1, tokens = slot?.tokens ?? 0 } = item;
    const shown = vector && [...vector.subarray(0, SHOWN_FLOATS)];
    found.push({ index, id, at, attempts, tokens, vector: shown, dimensions: vector?.length });
  }
  return found;
}
