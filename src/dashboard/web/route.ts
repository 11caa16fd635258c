import { signal } from "@preact/signals";
import { parseRoute, type Route } from "./parse-route.ts";

export const route = signal<Route>({ page: "overview" });

/** Keeps `route` with the address. Pages begin at their top, and a reader of the screen hears the new title. */
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
