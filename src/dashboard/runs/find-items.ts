import { performance } from "node:perf_hooks";
import type { ItemPage, ItemStatus, ItemSummary } from "../contract.ts";
import type { FoundItem } from "./found-item.ts";
import { isInCluster, type WantedCluster } from "./in-cluster.ts";
import { lineHint } from "./output-items.ts";
import type { RunFolder } from "./run-folder.ts";
import { readItems } from "./run-items.ts";

export interface ItemSearch {
  readonly text: string;
  readonly in: "id" | "text";
  readonly status?: ItemStatus | undefined;
  readonly kind?: string | undefined;
  readonly cluster?: WantedCluster | undefined;
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
    next: end || next >= total ? undefined : next,
    searched: total === 0 || end ? 1 : Math.min(1, next / total),
  });
  if (isHopeless(folder, search)) return page(true);
  const texts = search.in === "text" && wanted !== "";
  for await (const group of readItems(folder, { from, failures: true, texts, hint: lineHint(wanted) })) {
    for (const item of group.items) {
      if (fits(item, search, wanted)) items.push(toSummary(item));
      if (items.length < limit) continue;
      next = item.index + 1;
      return page(false);
    }
    next = group.next;
    if (performance.now() - begun > BUDGET_MS) return page(false);
  }
  return page(true);
}

/** A finished run whose working folder is gone has neither failures nor items that wait. */
function isHopeless({ spool }: RunFolder, { status, kind, cluster }: ItemSearch): boolean {
  const wantsFailures = kind !== undefined || cluster !== undefined;
  return spool === undefined && (wantsFailures || (status !== undefined && status !== "succeeded"));
}

function fits(item: FoundItem, { status, kind, cluster, in: where }: ItemSearch, wanted: string): boolean {
  if (status !== undefined && item.status !== status) return false;
  if (kind !== undefined && item.failure?.kind !== kind) return false;
  if (cluster && !(item.failure && isInCluster(item.failure, cluster))) return false;
  if (wanted === "") return true;
  if (where === "id") return item.id.toLowerCase().includes(wanted);
  // Of a finished run of requests, the answers are what is left.
  const text = item.text ?? (item.answer === undefined ? "" : JSON.stringify(item.answer));
  return text.toLowerCase().includes(wanted);
}

export function toSummary({ index, id, status, tokens, attempts, failure }: FoundItem): ItemSummary {
  return {
    index,
    id,
    status,
    tokens,
    attempts,
    failure,
  };
}
