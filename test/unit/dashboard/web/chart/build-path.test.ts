import { expect, test } from "vitest";
import { buildPath } from "#src/dashboard/web/chart/build-path.ts";

const times = [0, 1, 2, 3, 4];

test("a line ends at a gap, and a value between two gaps is a dot", () => {
  expect(buildPath(times, [10, 5, null, 0, null], 10)).toEqual({
    line: "M0,0L250,500M750,1000h0",
    area: "M0,1000L0,0L250,500V1000z",
  });
});

test("a line without values is empty", () => {
  expect(buildPath(times, [null, null, null, null, null], 1)).toEqual({ line: "", area: "" });
});
