/** A search for items, with the fields of the query that the server expects. */
export interface ItemSearchFilter {
  readonly text?: string;
  readonly in?: string;
  readonly status?: string;
  readonly kind?: string;
  readonly cause?: string;
}

const NAMES = ["text", "in", "status", "kind", "cause"] as const;

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
