export interface ServerHealth {
  readonly at: number;
  readonly redis:
    | { readonly state: "ok" }
    /** Show it on every page, with how long; it ends by itself. Figures on the page are from before `since`. */
    | { readonly state: "unavailable"; readonly since: number };
}
