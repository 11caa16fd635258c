import type { Failure, Item } from "#src/core/item.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import { type LedgerSlot, SLOT_OK } from "#src/producer/storage/ledger-file.ts";
import { viewFloats } from "./format-float.ts";
import { JsonlFile } from "./jsonl-file.ts";
import { formatStatus, type ResultWriter } from "./result-writer.ts";

/** Formats the part of a line after the vector. */
function formatLineEnd({ tokens, attempts }: LedgerSlot, item: Item, withText: boolean): string {
  const more = withText ? { text: item.text, metadata: item.metadata } : {};
  return JSON.stringify({ tokens, attempts, ...more }).slice(1);
}

/** Formats the part of a line before the vector. */
function formatLineStart({ status }: LedgerSlot, item: Item): string {
  return JSON.stringify({ id: item.id, index: item.index, status: formatStatus(status) }).slice(0, -1);
}

/** Writes `records.jsonl`: one line per item, its vector as the shortest decimals that parse to the same float32. */
export async function createJsonlWriter(
  disk: Disk,
  path: string,
  options: { readonly dimensions: number; readonly withText: boolean },
): Promise<ResultWriter> {
  const file = await JsonlFile.create(disk, path);
  const { dimensions, withText } = options;
  return {
    async write({ slots, items, vectors }) {
      const floats = viewFloats(vectors);
      for (const [i, slot] of slots.entries()) {
        const item = items[i];
        if (item === undefined) continue;
        if (slot.status === SLOT_OK) {
          await file.addText(`${formatLineStart(slot, item)},"vector":[`);
          await file.addFloats(floats, i * dimensions, (i + 1) * dimensions);
          await file.addText(`],${formatLineEnd(slot, item, withText)}\n`);
        } else {
          await file.addText(`${formatLineStart(slot, item)},"vector":null,${formatLineEnd(slot, item, withText)}\n`);
        }
      }
    },
    finish: () => file.finish(),
    close: () => file.close(),
  };
}

/** Writes `items.jsonl`: the lines of `records.jsonl` without the vectors. */
export async function createItemsWriter(disk: Disk, path: string, withText: boolean): Promise<ResultWriter> {
  const file = await JsonlFile.create(disk, path);
  return {
    async write({ slots, items }) {
      for (const [i, slot] of slots.entries()) {
        const item = items[i];
        if (item !== undefined)
          await file.addText(`${formatLineStart(slot, item)},${formatLineEnd(slot, item, withText)}\n`);
      }
    },
    finish: () => file.finish(),
    close: () => file.close(),
  };
}

/** Formats a line of `errors.jsonl`, with its line ending. */
export function formatFailureLine({ id, index }: Item, { attempts }: LedgerSlot, failure: Failure): string {
  const { kind, message, code, providerMessage, param } = failure;
  return `${JSON.stringify({ id, index, kind, message, code, providerMessage, param, attempts })}\n`;
}

/** Writes `errors.jsonl`: one line per failed item, in input order. */
export async function createErrorsWriter(disk: Disk, path: string): Promise<ResultWriter> {
  const file = await JsonlFile.create(disk, path);
  return {
    async write({ start, slots, items, failures }) {
      for (const [index, failure] of failures) {
        const [item, slot] = [items[index - start], slots[index - start]];
        if (item && slot) await file.addText(formatFailureLine(item, slot, failure));
      }
    },
    finish: () => file.finish(),
    close: () => file.close(),
  };
}
