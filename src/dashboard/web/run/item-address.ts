import { formatWanted, parseWanted, type WantedItems } from "./wanted-items.ts";

/** What the page's address looks for. */
export const wantedInAddress = (): WantedItems | undefined => parseWanted(location.hash);

/** Keeps the search in the address, so that the way back from an item leads to it; adds no step to that way. */
export function keepInAddress(wanted: WantedItems): void {
  const [path = ""] = location.hash.split("?");
  history.replaceState(history.state, "", `${path}?${formatWanted(wanted)}`);
}
