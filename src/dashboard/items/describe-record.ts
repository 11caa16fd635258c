import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { decodeRecords, type WireRecord } from "#src/state/records/record-codec.ts";
import type { LatestRecord } from "./item-api.ts";
import { readItem } from "./run-items.ts";
import { StoredRecords } from "./stored-records.ts";

const SHOWN_FLOATS = 8;

/** A frame of another version shows nothing: the page is for the eye, the coordinator says what is wrong. */
export function decodeEntry(id: string, frame: Buffer | undefined): LatestRecord[] {
  if (!frame) return [];
  try {
    const { records, dimensions } = decodeRecords(frame);
    const at = Number(id.split("-")[0]);
    return records.map((record) => describe(record, at, dimensions));
  } catch {
    return [];
  }
}

function describe(record: WireRecord, at: number, dimensions: number): LatestRecord {
  const { index, attempts, tokens, vector, failure } = record;
  const shown = vector && Math.min(SHOWN_FLOATS, Math.floor(vector.length / 4));
  return {
    index,
    at,
    attempts,
    tokens,
    ...(vector && shown
      ? { vector: Array.from({ length: shown }, (_, i) => vector.readFloatLE(i * 4)), dimensions }
      : {}),
    failure,
  };
}

/** Records as they lie in a run's folder, without those that are not (or no longer) to be read. */
export async function readStoredRecords(
  folder: RunFolder,
  completedCalls: readonly { readonly index: number; readonly at: number }[],
): Promise<LatestRecord[]> {
  await using records = new StoredRecords(folder.dir);
  const found: LatestRecord[] = [];
  // One by one: the files of the store are opened by the first that needs them.
  for (const { index, at } of completedCalls) {
    const item = await readItem(folder, index);
    if (item?.status !== "succeeded") continue;
    const [slot] = folder.itemsFile === undefined ? [] : await records.slots(index, 1);
    const vector = slot && (await records.vector(slot));
    const { id, attempts = slot?.attempts ?? 1, tokens = slot?.tokens ?? 0 } = item;
    const first = vector ? { vector: [...vector.subarray(0, SHOWN_FLOATS)], dimensions: vector.length } : {};
    found.push({ index, id, at, attempts, tokens, ...first });
  }
  return found;
}
