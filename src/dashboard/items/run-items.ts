import { performance } from "node:perf_hooks";
import type { Item } from "#src/core/item.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import { type LedgerSlot, SLOT_OK } from "#src/producer/storage/ledger.ts";
import { type OutputGroup, readOutputItems } from "./output-items.ts";
import type { StoredItem } from "./stored-item.ts";
import { StoredRecords } from "./stored-records.ts";

export interface ReadItemsOptions {
  readonly from: number;
  /** Read why items failed, too. */
  readonly failures: boolean;
  /** Read what was asked or answered where that is extra work; false by default. */
  readonly texts?: boolean;
  /** See `readOutputItems`. */
  readonly linePrefilter?: string | undefined;
}

/** The place of an item in a file that nobody has read yet is looked for this long; the next one goes on from there. */
const SCAN_TIME_LIMIT_MS = 3_000;

/**
 * A run's items from index `from` on, in groups: from its plan and ledger while they are there, else from its output.
 * Stop iterating to stop reading.
 */
export function readItems(folder: RunFolder, options: ReadItemsOptions): AsyncGenerator<OutputGroup> {
  if (folder.itemsFile !== undefined) return readPlanned(folder, folder.itemsFile, options);
  const { from, texts = false, linePrefilter } = options;
  return readOutputItems(folder, { from, texts, linePrefilter });
}

/** One item; undefined when the run has none at this index. */
export async function readItem(folder: RunFolder, index: number): Promise<StoredItem | undefined> {
  if (folder.itemsFile !== undefined) return await readPlannedItem(folder.dir, folder.itemsFile, index);
  if (index >= folder.manifest.items.total) return undefined;
  const begun = performance.now();
  for await (const { items, next } of readItems(folder, { from: index, failures: true, texts: true })) {
    const [item] = items;
    if (item) return item.index === index ? item : undefined;
    if (performance.now() - begun > SCAN_TIME_LIMIT_MS) throw createScanTimeoutError(next, index);
  }
  return undefined;
}

function createScanTimeoutError(next: number, index: number): HttpError {
  const message = `The output is large: ${next} of the ${index} items before this one have been passed.`;
  return new HttpError("wrong-state", message, { hint: "Ask again; it goes on from there." });
}

/** Only this one's record is looked at, however many items the plan's nearest lines hold. */
async function readPlannedItem(dir: string, itemsFile: string, index: number): Promise<StoredItem | undefined> {
  for await (const [item] of readItemsFile(itemsFile, { from: index })) {
    if (item?.index !== index) return undefined;
    await using records = new StoredRecords(dir);
    const [slot] = await records.slots(index, 1);
    return await toStoredItem(item, slot, records, true);
  }
  return undefined;
}

async function* readPlanned(
  { dir }: RunFolder,
  itemsFile: string,
  { from, failures }: ReadItemsOptions,
): AsyncGenerator<OutputGroup> {
  await using records = new StoredRecords(dir);
  for await (const items of readItemsFile(itemsFile, { from })) {
    const slots = await records.slots(items[0]?.index ?? 0, items.length);
    const found: StoredItem[] = [];
    for (const [i, item] of items.entries()) {
      found.push(await toStoredItem(item, slots[i], records, failures));
    }
    yield { items: found, next: (items.at(-1)?.index ?? from) + 1 };
  }
}

async function toStoredItem(
  { index, id, text, tokens, metadata }: Item,
  slot: LedgerSlot | undefined,
  records: StoredRecords,
  failures: boolean,
): Promise<StoredItem> {
  const isOk = slot?.status === SLOT_OK;
  const failure = slot && !isOk && failures ? await records.failure(slot) : undefined;
  const model = metadata?.model;
  return {
    index,
    id,
    text,
    status: slot === undefined ? "waiting" : isOk ? "succeeded" : "failed",
    ...(slot && isOk ? { tokens: slot.tokens } : slot ? {} : { tokens }),
    ...(slot ? { attempts: slot.attempts } : {}),
    ...(failure ? { failure } : {}),
    ...(metadata ? { metadata } : {}),
    ...(typeof model === "string" ? { model } : {}),
  };
}
