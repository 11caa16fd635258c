import { expect, test } from "vitest";
import { windowSize } from "#src/cli/wiring/window-size.ts";

test("a window holds what the lanes may spend at once, where that is not far above the usual", () => {
  const lane = { requestsPerMinute: 600, pacing: "burst" as const };
  expect(windowSize([lane], 10, 5_000)).toBe(6_600);
  expect(windowSize([lane, { requestsPerMinute: 200 }], 10, 5_000)).toBe(8_800);
  expect(windowSize([lane, lane], 10, 5_000)).toBe(5_000);
  expect(windowSize([{ requestsPerMinute: 60 }], 10, 5_000)).toBe(5_000);
  expect(windowSize([{ ...lane, pacing: "even" }], 10, 5_000)).toBe(5_000);
  expect(windowSize([{}], 10, 5_000)).toBe(5_000);
});
