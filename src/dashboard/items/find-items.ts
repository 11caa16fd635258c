import { performance } from "node:perf_hooks";
import type { RunFolder } from "#src/dashboard/runs/run-folder.ts";
import { type CauseFilter, matchesCause } from "./cause-filter.ts";
import type { ItemPage, ItemStatus, ItemSummary } from "./item-api.ts";
import { toLinePrefilter } from "./output-items.ts";
import { readItems } from "./run-items.ts";
import type { StoredItem } from "./stored-item.ts";

export interface ItemFilter {
  readonly text: string;
  readonly in: "id" | "text";
  readonly status?: ItemStatus | undefined;
  readonly kind?: string | undefined;
  readonly cause?: CauseFilter | undefined;
  readonly from: number;
  readonly limit: number;
}

/** A page must not keep the server from others; what is left is for the next one. */
const PAGE_TIME_LIMIT_MS = 150;

/**
 * The items that fit, from `from` on, until the page is full or its time is over; `next` says where to go on. Case does
 * not count.
 */
export async function findItems(folder: RunFolder, search: ItemFilter): Promise<ItemPage> {
  const { from, limit } = search;
  const total = folder.manifest.items.total;
  const needle = search.text.toLowerCase();
  const begun = performance.now();
  const items: ItemSummary[] = [];
  let next = from;
  const page = (end: boolean): ItemPage => ({
    items,
    next: end || next >= total ? undefined : next,
    searchedShare: total === 0 || end ? 1 : Math.min(1, next / total),
  });
  if (isAlwaysEmpty(folder, search)) return page(true);
  const texts = search.in === "text" && needle !== "";
  for await (const group of readItems(folder, {
    from,
    failures: true,
    texts,
    linePrefilter: toLinePrefilter(needle),
  })) {
    for (const item of group.items) {
      if (matchesFilter(item, search, needle)) items.push(toSummary(item));
      if (items.length < limit) continue;
      next = item.index + 1;
      return page(false);
    }
    next = group.next;
    if (performance.now() - begun > PAGE_TIME_LIMIT_MS) return page(false);
  }
  return page(true);
}

/** A finished run whose working folder is gone has neither failures nor items that wait. */
function isAlwaysEmpty({ itemsFile }: RunFolder, { status, kind, cause }: ItemFilter): boolean {
  const wantsFailures = kind !== undefined || cause !== undefined;
  return itemsFile === undefined && (wantsFailures || (status !== undefined && status !== "succeeded"));
}

function matchesFilter(item: StoredItem, { status, kind, cause, in: where }: ItemFilter, needle: string): boolean {
  if (status !== undefined && item.status !== status) return false;
  if (kind !== undefined && item.failure?.kind !== kind) return false;
  if (cause && !(item.failure && matchesCause(item.failure, cause))) return false;
  if (needle === "") return true;
  if (where === "id") return item.id.toLowerCase().includes(needle);
  // Of a finished run of requests, the answers are what is left.
  const text = item.text ?? (item.answer === undefined ? "" : JSON.stringify(item.answer));
  return text.toLowerCase().includes(needle);
}

export function toSummary({ index, id, status, tokens, attempts, failure }: StoredItem): ItemSummary {
  return {
    index,
    id,
    status,
    tokens,
    attempts,
    failure,
  };
}
