import { RUN_PHASES, RUN_SORT_KEYS, type RunPhaseView, type RunSortKey } from "#src/dashboard/runs/run-api.ts";

/** Which runs the list shows, in which order. Dates are local days, "2026-12-01"; empty fields do not filter. */
export interface RunListFilter {
  readonly text: string;
  readonly state: RunPhaseView | "";
  readonly from: string;
  readonly until: string;
  readonly sort: RunSortKey;
  readonly order: "ascending" | "descending";
  readonly offset: number;
}

export const DEFAULT_RUN_LIST_FILTER: RunListFilter = {
  text: "",
  state: "",
  from: "",
  until: "",
  sort: "started",
  order: "descending",
  offset: 0,
};

/** Reads the query of a URL; fields with an invalid value have their defaults. Pure. */
export function parseRunListFilter(query: string): RunListFilter {
  const fields = new URLSearchParams(query);
  const read = (name: string) => fields.get(name) ?? "";
  const readDay = (name: string) => (/^\d{4}-\d\d-\d\d$/.test(read(name)) ? read(name) : "");
  return {
    text: read("text").slice(0, 200),
    state: RUN_PHASES.find((phase) => phase === read("state")) ?? "",
    from: readDay("from"),
    until: readDay("until"),
    sort: RUN_SORT_KEYS.find((key) => key === read("sort")) ?? "started",
    order: read("order") === "ascending" ? "ascending" : "descending",
    offset: /^\d{1,6}$/.test(read("offset")) ? Number(read("offset")) : 0,
  };
}

/** The query of a URL, without fields that have their defaults. Pure. */
export function formatRunListFilter(filter: RunListFilter): string {
  const changed = Object.entries(filter).filter(
    ([name, value]) => value !== DEFAULT_RUN_LIST_FILTER[name as keyof RunListFilter],
  );
  return String(new URLSearchParams(changed.map(([name, value]): [string, string] => [name, String(value)])));
}

/** The query of the request for the runs of one page. */
export function buildRunListRequest({ from, until, state, ...filter }: RunListFilter, limit: number): string {
  const query = new URLSearchParams(
    Object.entries({ ...filter, limit }).map(([name, value]): [string, string] => [name, String(value)]),
  );
  if (state !== "") query.set("state", state);
  if (from !== "") query.set("from", String(startOfDay(from, 0)));
  if (until !== "") query.set("before", String(startOfDay(until, 1)));
  return String(query);
}

/** The start of a local day, or of a day after it. Epoch ms. */
function startOfDay(date: string, daysLater: number): number {
  const day = new Date(`${date}T00:00`);
  return day.setDate(day.getDate() + daysLater);
}
