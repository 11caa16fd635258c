import { performance } from "node:perf_hooks";
import type { Item } from "#src/core/item.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS } from "#src/dashboard/messages.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import { type LedgerSlot, SLOT_OK } from "#src/producer/storage/ledger-file.ts";
import { type ItemGroup, OutputReader } from "./output-items.ts";
import type { StoredItem } from "./stored-item.ts";
import { StoredRecords } from "./stored-records.ts";

export interface ReadItemsOptions {
  readonly from: number;
  /** Also read the failures of failed items. */
  readonly failures: boolean;
  /** Also read requests or answers where that takes extra work; false by default. */
  readonly texts?: boolean;
  /** See `OutputReader.read`. */
  readonly linePrefilter?: string | undefined;
}

/** How long one call scans an output whose line offsets are not known yet; the next call continues from there. */
const SCAN_TIME_LIMIT_MS = 3_000;

/** Reads items from a run's items file and ledger while they exist, else from its output. */
export class RunItemReader {
  readonly #outputs = new OutputReader();

  /** The items from index `from` on, in groups. Stop iterating to stop reading. */
  readItems(folder: RunFolder, options: ReadItemsOptions): AsyncGenerator<ItemGroup> {
    if (folder.itemsFile !== undefined) return readPlannedItems(folder.dir, folder.itemsFile, options);
    const { from, texts = false, linePrefilter } = options;
    return this.#outputs.read(folder, { from, texts, linePrefilter });
  }

  /** One item; undefined when the run has none at this index. Throws an HttpError when the scan takes too long. */
  async readItem(folder: RunFolder, index: number): Promise<StoredItem | undefined> {
    if (folder.itemsFile !== undefined) return await readPlannedItem(folder.dir, folder.itemsFile, index);
    if (index >= folder.manifest.items.total) return undefined;
    const startedAt = performance.now();
    for await (const { items, next } of this.#outputs.read(folder, { from: index, texts: true })) {
      const [item] = items;
      if (item) return item.index === index ? item : undefined;
      if (performance.now() - startedAt > SCAN_TIME_LIMIT_MS) throw new HttpError(ERRORS.scanTimedOut(next, index));
    }
    return undefined;
  }
}

/** Reads the record of this item only, however many items the nearest part of the items file contains. */
async function readPlannedItem(dir: string, itemsFile: string, index: number): Promise<StoredItem | undefined> {
  for await (const [item] of readItemsFile(itemsFile, { from: index })) {
    if (item?.index !== index) return undefined;
    await using records = new StoredRecords(dir);
    const [slot] = await records.slots(index, 1);
    return await toStoredItem(item, slot, records, true);
  }
  return undefined;
}

async function* readPlannedItems(
  dir: string,
  itemsFile: string,
  { from, failures }: ReadItemsOptions,
): AsyncGenerator<ItemGroup> {
  await using records = new StoredRecords(dir);
  for await (const planned of readItemsFile(itemsFile, { from })) {
    const slots = await records.slots(planned[0]?.index ?? 0, planned.length);
    const items: StoredItem[] = [];
    for (const [i, item] of planned.entries()) items.push(await toStoredItem(item, slots[i], records, failures));
    yield { items, next: (planned.at(-1)?.index ?? from) + 1 };
  }
}

async function toStoredItem(
  { index, id, text, tokens, metadata }: Item,
  slot: LedgerSlot | undefined,
  records: StoredRecords,
  failures: boolean,
): Promise<StoredItem> {
  const status = slot === undefined ? "waiting" : slot.status === SLOT_OK ? "succeeded" : "failed";
  const model = metadata?.model;
  return {
    index,
    id,
    text,
    status,
    // Estimated, then as reported. A failed item has no token count.
    tokens: slot === undefined ? tokens : status === "succeeded" ? slot.tokens : undefined,
    attempts: slot?.attempts,
    failure: slot && status === "failed" && failures ? await records.failure(slot) : undefined,
    metadata,
    model: typeof model === "string" ? model : undefined,
  };
}
