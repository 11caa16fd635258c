import { formatItemFilter, type ItemFilter, parseItemFilter } from "./item-filter.ts";

/** What the page's address looks for. */
export const readFilterFromUrl = (): ItemFilter | undefined => parseItemFilter(location.hash);

/** Keeps the search in the address, so that the way back from an item leads to it; adds no step to that way. */
export function writeFilterToUrl(filter: ItemFilter): void {
  const [path = ""] = location.hash.split("?");
  history.replaceState(history.state, "", `${path}?${formatItemFilter(filter)}`);
}
