import { performance } from "node:perf_hooks";
import type { ItemPage, ItemStatus, ItemSummary } from "../contract.ts";
import type { RunFolder } from "./run-folder.ts";
import { type FoundItem, readItems } from "./run-items.ts";

export interface ItemSearch {
  readonly text: string;
  readonly in: "id" | "text";
  readonly status?: ItemStatus | undefined;
  readonly kind?: string | undefined;
  readonly from: number;
  readonly limit: number;
}

/** A page must not keep the server from others; what is left is for the next one. */
const BUDGET_MS = 150;

/**
 * The items that fit, from `from` on, until the page is full or its time is over; `next` says where to go on. Case does
 * not count.
 */
export async function findItems(folder: RunFolder, search: ItemSearch): Promise<ItemPage> {
  const { from, limit } = search;
  const total = folder.manifest.items.total;
  const wanted = search.text.toLowerCase();
  const begun = performance.now();
  const items: ItemSummary[] = [];
  let next = from;
  const page = (end: boolean): ItemPage => ({
    items,
    ...(end || next >= total ? {} : { next }),
    searched: total === 0 || end ? 1 : Math.min(1, next / total),
  });
  for await (const group of readItems(folder, { from, failures: true })) {
    for (const item of group) {
      next = item.index + 1;
      if (fits(item, search, wanted)) items.push(toSummary(item));
      if (items.length >= limit) return page(false);
    }
    if (performance.now() - begun > BUDGET_MS) return page(false);
  }
  return page(true);
}

function fits(item: FoundItem, { status, kind, in: where }: ItemSearch, wanted: string): boolean {
  if (status !== undefined && item.status !== status) return false;
  if (kind !== undefined && item.failure?.kind !== kind) return false;
  if (wanted === "") return true;
  const text = where === "id" ? item.id : (item.text ?? "");
  return text.toLowerCase().includes(wanted);
}

export function toSummary({ index, id, status, tokens, attempts, failure }: FoundItem): ItemSummary {
  return {
    index,
    id,
    status,
    ...(tokens === undefined ? {} : { tokens }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(failure ? { failure } : {}),
  };
}
