import { performance } from "node:perf_hooks";
import { InputError } from "#src/core/failures/errors.ts";
import type { ItemPage, ItemSummary } from "#src/dashboard/items/item-api.ts";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { type OutputReader, toLinePrefilter } from "./output-items.ts";
import type { StoredItem } from "./stored-item.ts";

export interface OutputItemFilter {
  /** Part of an id; empty for all items. */
  readonly id: string;
  /** Parts of a text, or of an answer; all of them must occur. Searching them may take several pages. */
  readonly terms: readonly string[];
  /** Index to start at: 0, or the `next` of an earlier page. */
  readonly from: number;
  readonly limit: number;
}

/** One page must not block the server for others; the next page continues. */
const PAGE_TIME_LIMIT_MS = 150;

/**
 * The items of a finished run without its database that match, from index `from` on, until the page is full or its time is
 * over; `next` says where to continue. Case-insensitive. Rejects with an InputError for a start that is no index.
 */
export async function findOutputItems(
  reader: OutputReader,
  folder: RunFolder,
  { from, limit, ...filter }: OutputItemFilter,
): Promise<ItemPage> {
  // The cursor of a page that was read before the run finished and deleted its database is no index.
  if (!Number.isSafeInteger(from) || from < 0)
    throw new InputError("this is not the cursor of an earlier page", "after");
  const total = folder.manifest.items.total;
  const id = filter.id.toLowerCase();
  const terms = filter.terms.map((term) => term.toLowerCase());
  const startedAt = performance.now();
  const found: ItemSummary[] = [];
  const createPage = (next: number): ItemPage => ({
    items: found,
    next: next >= total ? undefined : String(next),
    searchedShare: total === 0 ? 1 : Math.min(1, next / total),
  });
  const options = { from, texts: terms.length > 0, linePrefilter: toLinePrefilter(id || (terms[0] ?? "")) };
  for await (const { items, next } of reader.read(folder, options)) {
    for (const item of items) {
      const text = terms.length > 0 ? getText(item).toLowerCase() : "";
      if (item.id.toLowerCase().includes(id) && terms.every((term) => text.includes(term))) found.push(toSummary(item));
      if (found.length >= limit) return createPage(item.index + 1);
    }
    if (performance.now() - startedAt > PAGE_TIME_LIMIT_MS) return createPage(next);
  }
  return createPage(total);
}

/** A finished batch run only has the answers left. */
function getText({ text, answer }: StoredItem): string {
  return text ?? (answer === undefined ? "" : JSON.stringify(answer));
}

export function toSummary({ index, id, status, tokens, attempts, call, failure }: StoredItem): ItemSummary {
  return { index, id, status, tokens, attempts, durationMs: call?.durationMs, failure };
}
