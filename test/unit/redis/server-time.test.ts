import { expect, test } from "vitest";
import { ServerClock } from "#src/redis/server-time.ts";

test("the server's time advances between two replies, and follows the later one", () => {
  let monotonic = 100;
  const clock = new ServerClock(() => monotonic);
  expect(clock.now()).toBeUndefined();
  clock.record(5_000);
  monotonic += 250;
  expect(clock.now()).toBe(5_250);
  clock.record(1_000);
  monotonic += 10;
  expect(clock.now()).toBe(1_010);
});
