export interface ServerHealth {
  readonly at: number;
  readonly redis:
    | { readonly state: "ok" }
    /** Show it on every page, with its duration. It ends by itself. Values on the page are from before `since`. */
    | { readonly state: "unavailable"; readonly since: number };
}
