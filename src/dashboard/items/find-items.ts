import { performance } from "node:perf_hooks";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { type CauseFilter, matchesCause } from "./causes/cause-filter.ts";
import type { ItemPage, ItemSummary, RunItemStatus } from "./item-api.ts";
import { toLinePrefilter } from "./reading/output-items.ts";
import type { RunItemReader } from "./reading/run-item-reader.ts";
import type { StoredItem } from "./reading/stored-item.ts";

export interface ItemFilter {
  /** Part of an id or a text; empty for all items. */
  readonly text: string;
  /** Where to search `text`. Searching in texts reads all items, so it may take several pages. */
  readonly in: "id" | "text";
  readonly status?: RunItemStatus | undefined;
  /** Failure kind. */
  readonly kind?: string | undefined;
  readonly cause?: CauseFilter | undefined;
  /** Index to start at: 0, or the `next` of an earlier page. */
  readonly from: number;
  readonly limit: number;
}

/** One page must not block the server for others; the next page continues. */
const PAGE_TIME_LIMIT_MS = 150;

/**
 * The items that match, from index `from` on, until the page is full or its time is over; `next` says where to
 * continue. Case-insensitive.
 */
export async function findItems(reader: RunItemReader, folder: RunFolder, filter: ItemFilter): Promise<ItemPage> {
  const { from, limit } = filter;
  const total = folder.manifest.items.total;
  const needle = filter.text.toLowerCase();
  const startedAt = performance.now();
  const found: ItemSummary[] = [];
  const createPage = (next: number): ItemPage => ({
    items: found,
    next: next >= total ? undefined : next,
    searchedShare: total === 0 ? 1 : Math.min(1, next / total),
  });
  if (isAlwaysEmpty(folder, filter)) return createPage(total);
  const texts = filter.in === "text" && needle !== "";
  const options = { from, texts, linePrefilter: toLinePrefilter(needle) };
  for await (const { items, next } of reader.readItems(folder, options)) {
    for (const item of items) {
      if (matchesFilter(item, filter, needle)) found.push(toSummary(item));
      if (found.length >= limit) return createPage(item.index + 1);
    }
    if (performance.now() - startedAt > PAGE_TIME_LIMIT_MS) return createPage(next);
  }
  return createPage(total);
}

/** A finished run without its database has neither failed nor waiting items. */
function isAlwaysEmpty({ hasDatabase }: RunFolder, { status, kind, cause }: ItemFilter): boolean {
  const wantsFailures = kind !== undefined || cause !== undefined;
  return !hasDatabase && (wantsFailures || (status !== undefined && status !== "succeeded"));
}

function matchesFilter(item: StoredItem, { status, kind, cause, in: where }: ItemFilter, needle: string): boolean {
  if (status !== undefined && item.status !== status) return false;
  if (kind !== undefined && item.failure?.kind !== kind) return false;
  if (cause && !(item.failure && matchesCause(item.failure, cause))) return false;
  if (needle === "") return true;
  if (where === "id") return item.id.toLowerCase().includes(needle);
  // A finished batch run only has the answers left.
  const text = item.text ?? (item.answer === undefined ? "" : JSON.stringify(item.answer));
  return text.toLowerCase().includes(needle);
}

export function toSummary({ index, id, status, tokens, attempts, failure }: StoredItem): ItemSummary {
  return { index, id, status, tokens, attempts, failure };
}
