import fc from "fast-check";
import { expect, test } from "vitest";
import { itemLink, parseRoute, runLink } from "#src/dashboard/web/parse-route.ts";

test.each([
  ["", { page: "overview" }],
  ["#/", { page: "overview" }],
  ["#/runs", { page: "runs" }],
  ["#/audit", { page: "audit" }],
  ["#/runs/e-1", { page: "run", run: "e-1" }],
  ["#/runs/e-1/items/7", { page: "item", run: "e-1", index: 7 }],
  ["#/runs/e-1/items/seven", { page: "unknown" }],
  ["#/runs/e-1/else", { page: "unknown" }],
  ["#/live/x", { page: "unknown" }],
  ["#/%E0%A4%A", { page: "unknown" }],
])("parses %s", (hash, route) => {
  expect(parseRoute(hash)).toEqual(route);
});

test("links to runs and items are parsed back", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), fc.nat(), (run, index) => {
      expect(parseRoute(runLink(run))).toEqual({ page: "run", run });
      expect(parseRoute(itemLink(run, index))).toEqual({ page: "item", run, index });
    }),
  );
});

test("every fragment gives a page", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (hash) => {
      expect(parseRoute(hash)).toHaveProperty("page");
    }),
  );
});
