import { StoredRecords } from "#src/dashboard/items/reading/stored-records.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import { SLOT_FAILED } from "#src/producer/storage/ledger-file.ts";
import type { ExportedFailure } from "./cause-api.ts";
import { type CauseFilter, matchesCause } from "./cause-filter.ts";

export interface ExportOptions {
  readonly filter: CauseFilter;
  /** Add each item's request. */
  readonly texts: boolean;
}

/**
 * The failed items of a cause, in order, one JSON line each. Reads the items file and the ledger once and keeps at most
 * one group of items in memory.
 */
export async function* exportCause(
  { dir, manifest, itemsFile }: RunFolder,
  { filter, texts }: ExportOptions,
): AsyncGenerator<string> {
  if (itemsFile === undefined) return;
  await using records = new StoredRecords(dir);
  for await (const items of readItemsFile(itemsFile)) {
    const slots = await records.slots(items[0]?.index ?? 0, items.length);
    const lines: string[] = [];
    for (const [i, item] of items.entries()) {
      const slot = slots[i];
      if (slot?.status !== SLOT_FAILED) continue;
      const failure = await records.failure(slot);
      if (!failure || !matchesCause(failure, filter)) continue;
      const line: ExportedFailure = {
        index: item.index,
        id: item.id,
        ...failure,
        attempts: slot.attempts,
        ...(texts ? describeRequest(item.text, manifest.kind) : undefined),
      };
      lines.push(`${JSON.stringify(line)}\n`);
    }
    if (lines.length > 0) yield lines.join("");
  }
}

function describeRequest(text: string, kind: string): Pick<ExportedFailure, "text" | "request"> {
  if (kind !== "chat") return { text };
  try {
    return { request: JSON.parse(text) as unknown };
  } catch {
    return { text };
  }
}
