import type { ItemFilterParams } from "#src/dashboard/items/item-query-params.ts";

/** A search for items, with the fields of the query that the server expects. */
export type ItemSearchFilter = Readonly<Partial<Record<(typeof ITEM_FILTER_NAMES)[number] | "sort", string>>>;

const ITEM_FILTER_NAMES = [
  "text",
  "id",
  "status",
  "kind",
  "cause",
  "metadata",
  "tokens",
  "attempts",
  "duration",
  "lane",
  "empty",
] as const satisfies readonly (keyof ItemFilterParams)[];
const NAMES = [...ITEM_FILTER_NAMES, "sort"] as const;

/** Reads the filter behind the "?" of a URL fragment; undefined without a "?". Never throws. */
export function parseItemFilter(hash: string): ItemSearchFilter | undefined {
  const start = hash.indexOf("?");
  if (start < 0) return undefined;
  const query = new URLSearchParams(hash.slice(start + 1));
  return Object.fromEntries(NAMES.flatMap((name) => (query.has(name) ? [[name, query.get(name)]] : [])));
}

/** The filter as a query string without empty fields. */
export function formatItemFilter(filter: ItemSearchFilter): string {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = filter[name];
    if (value !== undefined && value !== "") query.set(name, value);
  }
  return query.toString();
}

/** The column that the list is sorted by. */
export function readSort({ sort = "index" }: ItemSearchFilter): {
  readonly column: string;
  readonly descending: boolean;
} {
  const [column = "index", direction] = sort.split(":");
  return { column, descending: direction === "desc" };
}
