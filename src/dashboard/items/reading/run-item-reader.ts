import { performance } from "node:perf_hooks";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { type ItemWithRecord, RunReader } from "#src/producer/storage/run-reader.ts";
import { OutputReader } from "./output-items.ts";
import type { StoredItem } from "./stored-item.ts";

/** How long one call scans an output whose line offsets are not known yet; the next call continues from there. */
const SCAN_TIME_LIMIT_MS = 3_000;

/** Reads items from a run's database while it exists, else from its output. */
export class RunItemReader {
  readonly outputs = new OutputReader();

  /** One item; undefined when the run has none at this index. Throws an HttpError when the scan takes too long. */
  async readItem(folder: RunFolder, index: number): Promise<StoredItem | undefined> {
    if (folder.hasDatabase) return readPlannedItem(folder.dir, index);
    if (index >= folder.manifest.items.total) return undefined;
    const startedAt = performance.now();
    for await (const { items, next } of this.outputs.read(folder, { from: index, texts: true })) {
      const [item] = items;
      if (item) return item.index === index ? item : undefined;
      if (performance.now() - startedAt > SCAN_TIME_LIMIT_MS) throw new HttpError(ERRORS.scanTimedOut(next, index));
    }
    return undefined;
  }
}

function readPlannedItem(dir: string, index: number): StoredItem | undefined {
  using reader = new RunReader(dir);
  const found = reader.find(index);
  return found && toStoredItem(found);
}

export function toStoredItem({ item, record, call }: ItemWithRecord): StoredItem {
  const { index, id, text, metadata } = item;
  const model = metadata?.model;
  const status = record === undefined ? "waiting" : record.status === "ok" ? "succeeded" : "failed";
  return {
    index,
    id,
    text,
    status,
    // Estimated, then as reported. A failed item has no token count.
    tokens: record === undefined ? item.tokens : status === "succeeded" ? record.tokens : undefined,
    attempts: record?.attempts,
    failure: record?.failure,
    metadata,
    model: typeof model === "string" ? model : undefined,
    call,
  };
}
