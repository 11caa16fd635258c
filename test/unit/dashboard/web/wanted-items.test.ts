import { expect, test } from "vitest";
import { formatWanted, parseWanted } from "../../../../src/dashboard/web/run/wanted-items.ts";

test("a search is read from the address as it was written into it", () => {
  for (const wanted of [
    { text: "a&b=c #?/", in: "text", status: "failed" },
    { status: "failed", kind: "content-filter", cluster: "other:content-filter" },
    {},
  ])
    expect(parseWanted(`#/runs/e-1?${formatWanted(wanted)}`)).toEqual(wanted);
});

test("an address without a search looks for nothing, and what it should not hold is left out", () => {
  expect(parseWanted("#/runs/e-1")).toBeUndefined();
  expect(parseWanted("#/runs/e-1?limit=9&status=failed&%E0%A4%A=1")).toEqual({ status: "failed" });
});

test("fields that say nothing are left out", () => {
  expect(formatWanted({ text: "", in: "id" })).toBe("in=id");
});
