import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Item } from "../../core/item.ts";
import { readSpool } from "../../producer/plan/read-spool.ts";
import { isBatch } from "../../producer/run/run-manifest.ts";
import { openResult } from "../../producer/search/open-result.ts";
import { type LedgerSlot, SLOT_OK } from "../../producer/sink/ledger.ts";
import { RESULT_FILES } from "../../producer/sink/result-writer.ts";
import { readLines } from "../../producer/sources/read-lines.ts";
import type { ItemSummary } from "../contract.ts";
import type { RunFolder } from "./run-folder.ts";
import { StoredRecords } from "./stored-records.ts";

/** An item with what its folder still knows of it. */
export interface FoundItem extends ItemSummary {
  /** What was asked: the text of an embedding item, the request of a chat item as JSON. */
  readonly text?: string;
  /** Of a finished chat run: the answer's body, as its output has it. */
  readonly answer?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** "provider/model" of a request that named its own. */
  readonly model?: string;
}

export interface ReadItemsOptions {
  readonly from: number;
  /** Read why items failed, too. */
  readonly failures: boolean;
}

/** Items of a finished run read at a time. */
const PICK = 500;

/**
 * A run's items from index `from` on, in groups: from its plan and ledger while they are there, else from its output.
 * Stop iterating to stop reading.
 */
export function readItems(folder: RunFolder, options: ReadItemsOptions): AsyncGenerator<FoundItem[]> {
  if (folder.spool !== undefined) return readPlanned(folder, folder.spool, options);
  return isBatch(folder.manifest) ? readBatchLines(folder, options.from) : readOutput(folder, options.from);
}

/** One item; undefined when the run has none at this index. */
export async function readItem(folder: RunFolder, index: number): Promise<FoundItem | undefined> {
  if (folder.spool !== undefined) return await readPlannedItem(folder.dir, folder.spool, index);
  for await (const group of readItems(folder, { from: index, failures: true })) {
    return group.find((item) => item.index === index);
  }
  return undefined;
}

/** Only this one's record is looked at, however many items the plan's nearest lines hold. */
async function readPlannedItem(dir: string, spool: string, index: number): Promise<FoundItem | undefined> {
  for await (const [item] of readSpool(spool, { from: index })) {
    if (item?.index !== index) return undefined;
    await using records = new StoredRecords(dir);
    const [slot] = await records.slots(index, 1);
    return await describeItem(item, slot, records, true);
  }
  return undefined;
}

async function* readPlanned(
  { dir }: RunFolder,
  spool: string,
  { from, failures }: ReadItemsOptions,
): AsyncGenerator<FoundItem[]> {
  await using records = new StoredRecords(dir);
  for await (const items of readSpool(spool, { from })) {
    const slots = await records.slots(items[0]?.index ?? 0, items.length);
    const found: FoundItem[] = [];
    for (const [i, item] of items.entries()) {
      found.push(await describeItem(item, slots[i], records, failures));
    }
    yield found;
  }
}

async function describeItem(
  { index, id, text, tokens, metadata }: Item,
  slot: LedgerSlot | undefined,
  records: StoredRecords,
  failures: boolean,
): Promise<FoundItem> {
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

async function* readOutput({ dir, manifest }: RunFolder, from: number): AsyncGenerator<FoundItem[]> {
  const result = await openResult(dir);
  for (let start = from; start < manifest.items.total; start += PICK) {
    const count = Math.min(PICK, manifest.items.total - start);
    const items = await result.pick(Array.from({ length: count }, (_, i) => start + i));
    yield items
      .sort((a, b) => a.index - b.index)
      .map(({ id, index, status, tokens, attempts, text, metadata }) => ({
        id,
        index,
        status: status === "ok" ? "succeeded" : "failed",
        tokens,
        attempts,
        ...(text === undefined ? {} : { text }),
        ...(metadata ? { metadata } : {}),
      }));
  }
}

/** The lines of a finished run of requests; its working folder only goes when none of them failed. */
async function* readBatchLines({ dir }: RunFolder, from: number): AsyncGenerator<FoundItem[]> {
  const path = join(dir, RESULT_FILES.batch);
  await access(path);
  let index = 0;
  for await (const lines of readLines(createReadStream(path))) {
    const found: FoundItem[] = [];
    for (const line of lines) {
      if (index >= from && "text" in line) found.push(readBatchLine(line.text, index));
      index += 1;
    }
    if (found.length > 0) yield found;
  }
}

function readBatchLine(text: string, index: number): FoundItem {
  const { custom_id, response } = JSON.parse(text) as {
    readonly custom_id?: unknown;
    readonly response?: { readonly body?: { readonly usage?: { readonly total_tokens?: unknown } } };
  };
  const tokens = response?.body?.usage?.total_tokens;
  return {
    index,
    id: String(custom_id ?? index),
    status: "succeeded",
    ...(typeof tokens === "number" ? { tokens } : {}),
    ...(response?.body === undefined ? {} : { answer: response.body }),
  };
}
