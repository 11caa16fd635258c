import { RunReader } from "#src/producer/storage/run-reader.ts";
import { decodeRecords, type WireRecord } from "#src/state/record-format/record-codec.ts";
import type { LatestRecord } from "./item-api.ts";

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

/** The newest records in a run's database, the latest last. */
export async function readStoredRecords(dir: string, count: number): Promise<LatestRecord[]> {
  using reader = new RunReader(dir);
  const found: LatestRecord[] = [];
  for (const { item, record, call } of reader.listLatest(count)) {
    if (!record) continue;
    const vector = await reader.readVector(record);
    found.push({
      index: item.index,
      id: item.id,
      at: call ? call.startedAt + call.durationMs : record.recordedAt,
      attempts: record.attempts,
      tokens: record.tokens,
      vector: vector && [...vector.subarray(0, SHOWN_FLOATS)],
      dimensions: vector?.length,
    });
  }
  return found;
}
