import { expect, test } from "vitest";
import { formatItemFilter, parseItemFilter } from "#src/dashboard/web/run/item-filter.ts";

test("parses the filter that it formats", () => {
  for (const wanted of [
    { text: "a&b=c #?/", metadata: "a=b", sort: "tokens:desc", status: "failed" },
    { status: "failed", kind: "content-filter", cause: "other:content-filter" },
    {},
  ])
    expect(parseItemFilter(`#/runs/e-1?${formatItemFilter(wanted)}`)).toEqual(wanted);
});

test("a URL without a filter gives undefined, and unknown fields are dropped", () => {
  expect(parseItemFilter("#/runs/e-1")).toBeUndefined();
  expect(parseItemFilter("#/runs/e-1?limit=9&status=failed&%E0%A4%A=1")).toEqual({ status: "failed" });
});

test("drops empty fields", () => {
  expect(formatItemFilter({ text: "", id: "7" })).toBe("id=7");
});
