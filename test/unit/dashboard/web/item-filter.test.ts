import { expect, test } from "vitest";
import { formatItemFilter, parseItemFilter } from "#src/dashboard/web/run/item-filter.ts";

test("a search is read from the address as it was written into it", () => {
  for (const wanted of [
    { text: "a&b=c #?/", in: "text", status: "failed" },
    { status: "failed", kind: "content-filter", cause: "other:content-filter" },
    {},
  ])
    expect(parseItemFilter(`#/runs/e-1?${formatItemFilter(wanted)}`)).toEqual(wanted);
});

test("an address without a search looks for nothing, and what it should not hold is left out", () => {
  expect(parseItemFilter("#/runs/e-1")).toBeUndefined();
  expect(parseItemFilter("#/runs/e-1?limit=9&status=failed&%E0%A4%A=1")).toEqual({ status: "failed" });
});

test("fields that say nothing are left out", () => {
  expect(formatItemFilter({ text: "", in: "id" })).toBe("in=id");
});
