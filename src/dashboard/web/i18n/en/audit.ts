import type { PartialDictionary } from "./errors.ts";
import { plural } from "./plural.ts";

/** Texts of the audit log. */
export const auditEn = {
  audit: {
    title: "Audit log",
    none: "No actions yet. Every action on these pages is recorded here.",
    time: "Time",
    user: "User",
    action: "Action",
    target: "Target",
    details: "Details",
    refused: "Refused:",
    detailTexts: {
      clear: "manual limits cleared",
      "with texts": "with texts",
      "with outputs": "with outputs",
      "all failures": "all failures",
    } as PartialDictionary,
    itemCount: (count: string) => plural(count, "item", "items"),
    actions: {
      pause: "Pause run",
      resume: "Resume run",
      cancel: "Cancel run",
      retry: "Retry items",
      rename: "Rename run",
      delete: "Delete run",
      window: "Change buffer size",
      "set-window": "Change buffer size",
      "set-limit": "Change limits",
      "set-limits": "Change limits",
      "clear-limit": "Clear limits",
      unpark: "Reopen lane",
      queue: "Change queue",
      reveal: "View item",
      follow: "Follow chat",
      export: "Export items",
      search: "Search records",
      "search-text": "Search item texts",
      "sign-in": "Sign in",
      "sign-out": "Sign out",
    } as PartialDictionary,
  },
};
