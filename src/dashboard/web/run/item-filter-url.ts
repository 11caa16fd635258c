import { formatItemFilter, type ItemSearchFilter, parseItemFilter } from "./item-filter.ts";

export const readFilterFromUrl = (): ItemSearchFilter | undefined => parseItemFilter(location.hash);

/** Stores the filter in the URL without a new history entry, so that going back from an item shows the same list. */
export function writeFilterToUrl(filter: ItemSearchFilter): void {
  const [path = ""] = location.hash.split("?");
  history.replaceState(history.state, "", `${path}?${formatItemFilter(filter)}`);
}
