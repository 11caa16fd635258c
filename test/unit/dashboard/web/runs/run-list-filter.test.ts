import { expect, test } from "vitest";
import {
  buildRunListRequest,
  DEFAULT_RUN_LIST_FILTER,
  formatRunListFilter,
  parseRunListFilter,
} from "#src/dashboard/web/runs/run-list-filter.ts";

test("a URL contains only what differs from the default list, and is parsed back", () => {
  expect(formatRunListFilter(DEFAULT_RUN_LIST_FILTER)).toBe("");
  const filter = {
    text: "a&b=c",
    state: "stopped",
    from: "2026-12-01",
    until: "2026-12-02",
    sort: "cost",
    order: "ascending",
    offset: 50,
  } as const;
  expect(parseRunListFilter(formatRunListFilter(filter))).toEqual(filter);
});

test("invalid fields have their defaults", () => {
  const query = "state=done&from=yesterday&until=2026-1-1&sort=name&order=up&offset=-1&else=1";
  expect(parseRunListFilter(query)).toEqual(DEFAULT_RUN_LIST_FILTER);
});

test("a request contains local days as times, the end exclusive", () => {
  const filter = { ...DEFAULT_RUN_LIST_FILTER, from: "2026-12-01", until: "2026-12-01" };
  const query = new URLSearchParams(buildRunListRequest(filter, 50));
  expect(Number(query.get("from"))).toBe(new Date(2026, 11, 1).getTime());
  expect(Number(query.get("before"))).toBe(new Date(2026, 11, 2).getTime());
  expect(query.get("limit")).toBe("50");
  expect(query.has("state")).toBe(false);
});
