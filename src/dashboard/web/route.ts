import { signal } from "@preact/signals";
import { parseRoute, type Route } from "./parse-route.ts";

export const route = signal<Route>({ page: "overview" });

/** Keeps `route` in sync with the URL fragment, and scrolls to the top of each new page. */
export function syncRouteWithUrl(): void {
  const updateRoute = () => {
    route.value = parseRoute(location.hash);
  };
  updateRoute();
  addEventListener("hashchange", () => {
    updateRoute();
    scrollTo(0, 0);
  });
}
