import { expect, test } from "vitest";
import type { LaneStatus, LimitUsage } from "#src/limiter/limiter.ts";
import { estimateLimitedMs, findNextCall, findWindowWait } from "#src/producer/runs/progress/limit-waits.ts";
import type { LaneSnapshot } from "#src/producer/runs/progress/run-snapshot.ts";

const status = (requests: LimitUsage, tokens: LimitUsage, inFlight = 0): LaneStatus => ({
  state: "open",
  minuteFreesMs: 34_000,
  requests,
  tokens,
  concurrency: { used: inFlight },
  windows: [],
  throttles: 0,
  faultStreak: 0,
});
const lane = (changes: Partial<LaneSnapshot> = {}): LaneSnapshot => ({
  name: "p/m",
  state: "open",
  requests: { used: 120, allowed: 120 },
  tokens: { used: 0 },
  concurrency: { used: 0 },
  ...changes,
});

test("a lane waits for its minute once its requests or tokens are used up and no call is in flight", () => {
  const full = { used: 120, allowed: 120 };
  expect(findWindowWait(status(full, { used: 5 }))).toBe(34_000);
  expect(findWindowWait(status(full, { used: 5 }, 1))).toBeUndefined();
  expect(findWindowWait(status({ used: 119, allowed: 120 }, { used: 5 }))).toBeUndefined();
  expect(findWindowWait(status({ used: 60, allowed: 120, learned: 60 }, { used: 5 }))).toBe(34_000);
  // The tenth call of a hundred tokens does not fit into what is left.
  expect(findWindowWait(status({ used: 9 }, { used: 900, allowed: 950 }))).toBe(34_000);
  expect(findWindowWait(status({ used: 9 }, { used: 900, allowed: 1_000 }))).toBeUndefined();
});

test("a run waits if all its lanes that are not parked do", () => {
  const waiting = lane({ nextCallAt: 5_000 });
  expect(findNextCall([waiting, lane({ state: "parked" })])).toBe(5_000);
  expect(findNextCall([waiting, lane({ state: "snoozed", snoozeUntil: 3_000 })])).toBe(3_000);
  expect(findNextCall([waiting, lane()])).toBeUndefined();
  expect(findNextCall([lane({ state: "snoozed", snoozeUntil: 3_000 })])).toBeUndefined();
  expect(findNextCall([])).toBeUndefined();
});

test("the remaining time follows from the limits: the wait for the minute, and one more minute per full window", () => {
  const waiting = [lane({ nextCallAt: 34_000 })];
  expect(estimateLimitedMs(waiting, { requests: 120, tokens: 0 }, 0)).toBe(34_000);
  expect(estimateLimitedMs(waiting, { requests: 121, tokens: 0 }, 0)).toBe(94_000);
  expect(estimateLimitedMs([lane({ requests: { used: 0, allowed: 120 } })], { requests: 120, tokens: 0 }, 0)).toBe(0);
  expect(estimateLimitedMs([lane({ requests: { used: 9 } })], { requests: 1e6, tokens: 1e9 }, 0)).toBe(0);
});
