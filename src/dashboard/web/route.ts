import { signal } from "@preact/signals";
import { parseRoute, type Route } from "./parse-route.ts";

export const route = signal<Route>({ page: "overview" });

/** What follows the "?" of the URL fragment: the filter and the order of a list, so that links and the back button keep them. */
export const urlQuery = signal("");

const splitHash = (): readonly [path: string, query: string] => {
  const [path = "", ...query] = location.hash.split("?");
  return [path, query.join("?")];
};

/** Keeps `route` and `urlQuery` in sync with the URL fragment, and scrolls to the top of each new page. */
export function syncRouteWithUrl(): void {
  let currentPath: string | undefined;
  const update = () => {
    const [path, query] = splitHash();
    urlQuery.value = query;
    if (path === currentPath) return false;
    currentPath = path;
    route.value = parseRoute(location.hash);
    return true;
  };
  update();
  addEventListener("hashchange", () => {
    if (update()) scrollTo(0, 0);
  });
}

/** Changes the query of the current page, with a new history entry unless `replace`. */
export function setUrlQuery(query: string, { replace }: { readonly replace: boolean }): void {
  if (query === urlQuery.value) return;
  // The start page may have no fragment, and the query must not become one of the server.
  const path = splitHash()[0] || "#/";
  const url = query === "" ? path : `${path}?${query}`;
  if (replace) history.replaceState(history.state, "", url);
  else history.pushState(null, "", url);
  urlQuery.value = query;
}
