/** What items are looked for, as the query of the server's list takes it. */
export interface ItemFilter {
  readonly text?: string;
  readonly in?: string;
  readonly status?: string;
  readonly kind?: string;
  readonly cause?: string;
}

const NAMES = ["text", "in", "status", "kind", "cause"] as const;

/** What an address looks for behind its "?"; undefined where it looks for nothing. Total. */
export function parseItemFilter(hash: string): ItemFilter | undefined {
  const at = hash.indexOf("?");
  if (at < 0) return undefined;
  const query = new URLSearchParams(hash.slice(at + 1));
  return Object.fromEntries(NAMES.flatMap((name) => (query.has(name) ? [[name, query.get(name)]] : [])));
}

/** Fields that say nothing are left out. */
export function formatItemFilter(filter: ItemFilter): string {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = filter[name];
    if (value !== undefined && value !== "") query.set(name, value);
  }
  return query.toString();
}
