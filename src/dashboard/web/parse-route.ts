/** The current page, taken from the URL fragment, which browsers never send to the server. */
export type Route =
  | { readonly page: "overview" | "runs" | "evaluations" | "live" | "search" | "queues" | "audit" | "unknown" }
  | { readonly page: "run"; readonly run: string }
  | { readonly page: "item"; readonly run: string; readonly index: number };

const PAGES = ["runs", "evaluations", "live", "search", "queues", "audit"] as const;

/** Never throws: an unknown fragment gives the page "unknown". */
export function parseRoute(hash: string): Route {
  const [path = ""] = hash.replace(/^#\/?/, "").split("?");
  const [first = "", run, items, index, ...rest] = path.split("/").map(decode);
  if (path === "") return { page: "overview" };
  if (rest.length > 0) return { page: "unknown" };
  if (first === "runs" && run && items === "items" && index && /^\d{1,15}$/.test(index))
    return { page: "item", run, index: Number(index) };
  if (first === "runs" && run && items === undefined) return { page: "run", run };
  const page = PAGES.find((name) => name === first);
  return run === undefined && page ? { page } : { page: "unknown" };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

export const runLink = (run: string): string => `#/runs/${encodeURIComponent(run)}`;
export const itemLink = (run: string, index: number): string => `${runLink(run)}/items/${index}`;
