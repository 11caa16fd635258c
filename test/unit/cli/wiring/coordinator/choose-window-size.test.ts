import { expect, test } from "vitest";
import { chooseWindowSize } from "#src/cli/wiring/coordinator/choose-window-size.ts";
import type { LaneLimits } from "#src/core/lane.ts";

const toLanes = (...all: LaneLimits[]) => all.map((limits) => ({ limits }));

test("a window is large enough for one burst of its lanes, if that is not far above the default", () => {
  const lane = { requestsPerMinute: 600, pacing: "burst" as const };
  expect(chooseWindowSize(toLanes(lane), 10, 5_000)).toBe(6_600);
  expect(chooseWindowSize(toLanes(lane, { requestsPerMinute: 200 }), 10, 5_000)).toBe(8_800);
  expect(chooseWindowSize(toLanes(lane, lane), 10, 5_000)).toBe(5_000);
  expect(chooseWindowSize(toLanes({ requestsPerMinute: 60 }), 10, 5_000)).toBe(5_000);
  expect(chooseWindowSize(toLanes({ ...lane, pacing: "even" }), 10, 5_000)).toBe(5_000);
  expect(chooseWindowSize(toLanes({}), 10, 5_000)).toBe(5_000);
});
