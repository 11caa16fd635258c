import { afterEach, beforeEach, expect, test } from "vitest";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { Limiter, LimiterOptions, Reservation } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createFakeClock, type FakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const LANE: Lane = { provider: "fake", account: "default", model: "m" };
const OTHER: Lane = { provider: "fake", account: "second", model: "m" };
const WINDOW = 60_000;
const MARGIN = 10;
/** Tolerance of waits, in ms. */
const SLACK = 8_000;

let redis: TestRedis;
let clock: FakeClock;
let limiter: Limiter;

beforeEach(() => {
  redis = openTestRedis();
  clock = createFakeClock();
  limiter = createLimiter();
});
afterEach(() => redis.cleanup());

function createLimiter(options: LimiterOptions = { soloMs: 0, firstCalls: 0 }): Limiter {
  const client = injectTime(redis.connect(), () => clock.now());
  return createRedisLimiter(client, createKeys(redis.namespace), options);
}

async function reserveAll(count: number, limits: LaneLimits, tokens = 10, lane = LANE): Promise<Reservation[]> {
  const { granted, wait } = await limiter.reserve(lane, limits, Array(count).fill(tokens));
  expect(wait).toBeUndefined();
  expect(granted).toHaveLength(count);
  return [...granted];
}
async function settleAll(reservations: readonly Reservation[], tokens?: number, lane = LANE): Promise<void> {
  await limiter.settle(
    lane,
    reservations.map(({ id }) => ({ id, outcome: "ok", tokens })),
  );
}
/** Reports costs that match the estimates; until then a lane reserves more than is estimated. */
async function confirmEstimates(lane = LANE): Promise<void> {
  await settleAll(await reserveAll(20, {}, 10, lane), 10, lane);
  await clock.advance(WINDOW + MARGIN);
}
async function reportFaults(count: number, outcome: "fault" | "suspect" = "fault"): Promise<number> {
  const { granted } = await limiter.reserve(LANE, {}, Array(count).fill(1));
  let streak = 0;
  for (const { id } of granted) {
    streak = (await limiter.settle(LANE, [{ id, outcome }])).faultStreak;
  }
  expect(granted).toHaveLength(count);
  return streak;
}
const wait = async (limits: LaneLimits, tokens = 10, lane = LANE) =>
  (await limiter.reserve(lane, limits, [tokens])).wait;
const countGranted = async (count: number, limits: LaneLimits, tokens = 10, lane = LANE) =>
  (await limiter.reserve(lane, limits, Array(count).fill(tokens))).granted.length;

test("everything is granted if no limit is known, and ids are unique", async () => {
  const all = [...(await reserveAll(50, {})), ...(await reserveAll(50, {}))];
  expect(new Set(all.map(({ id }) => id)).size).toBe(100);
  expect(await limiter.reserve(LANE, {}, [])).toEqual({ granted: [] });
});

test("a freed slot goes to the interactive call, even if a bulk call asks first", async () => {
  const limits = { concurrency: 2 };
  const [first, second] = await reserveAll(2, limits);
  const countInteractiveGranted = async () => (await limiter.reserve(LANE, limits, [10], 1)).granted.length;
  expect(await countInteractiveGranted()).toBe(0);
  if (first) await settleAll([first]);
  expect(await wait(limits)).toEqual({ reason: "interactive", waitMs: 50 });
  expect(await countGranted(1, limits, 10, OTHER)).toBe(1);
  expect(await countInteractiveGranted()).toBe(1);
  if (second) await settleAll([second]);
  expect(await countGranted(2, limits)).toBe(1);
});

test("the interactive part of a request is granted, and its bulk part yields", async () => {
  const limits = { concurrency: 3 };
  const held = await reserveAll(3, limits);
  expect((await limiter.reserve(LANE, limits, [1], 1)).granted).toHaveLength(0);
  await settleAll(held);
  const { granted, wait: rest } = await limiter.reserve(LANE, limits, [1, 1], 1);
  expect(granted).toHaveLength(1);
  expect(rest?.reason).toBe("interactive");
  expect(await countGranted(2, limits)).toBe(2);
});

test("an interactive call that is not requested again delays bulk calls only briefly", async () => {
  const limits = { concurrency: 1 };
  const held = await reserveAll(1, limits);
  expect((await limiter.reserve(LANE, limits, [1], 1)).granted).toHaveLength(0);
  await settleAll(held);
  await clock.advance(251);
  expect(await countGranted(1, limits)).toBe(1);
  const window = { requestsPerMinute: 1 };
  expect((await limiter.reserve(OTHER, window, [1])).granted).toHaveLength(1);
  const refused = await limiter.reserve(OTHER, window, [1], 1);
  expect(refused.wait?.reason).toBe("requests");
  await clock.advance(1_251);
  expect((await wait(window, 10, OTHER))?.reason).toBe("requests");
});

test("grants the prefix that fits and reports what to wait for", async () => {
  const reply = await limiter.reserve(LANE, { requestsPerMinute: 3 }, [1, 1, 1, 1, 1]);
  expect(reply.granted).toHaveLength(3);
  expect(reply.wait?.reason).toBe("requests");
});

test("a request settled early counts for a window from its settlement, margin included", async () => {
  const limits = { requestsPerMinute: 2 };
  await settleAll(await reserveAll(2, limits));
  const reply = await wait(limits);
  expect(reply).toMatchObject({ reason: "requests" });
  expect(reply?.waitMs).toBeLessThanOrEqual(WINDOW + MARGIN);
  expect(reply?.waitMs).toBeGreaterThan(WINDOW + MARGIN - SLACK);
  await clock.advance(WINDOW - SLACK);
  expect(await countGranted(2, limits)).toBe(0);
  await clock.advance(SLACK + MARGIN);
  expect(await countGranted(2, limits)).toBe(2);
});

test("a request that is not settled counts from its latest possible arrival", async () => {
  limiter = createLimiter({ transitMs: 20_000 });
  const limits = { requestsPerMinute: 1 };
  const [late] = await reserveAll(1, limits);
  await clock.advance(WINDOW + MARGIN + 20_000 - SLACK);
  expect((await wait(limits))?.reason).toBe("requests");
  await clock.advance(SLACK);
  await reserveAll(1, limits);
  // Settling it after it has left the window must not bring it back.
  await settleAll([late as Reservation]);
  expect((await limiter.status(LANE, limits)).requests.used).toBe(1);
});

test("the transit time may be longer than the window", async () => {
  limiter = createLimiter({ transitMs: 300_000 });
  const limits = { requestsPerMinute: 1 };
  await reserveAll(1, limits);
  await clock.advance(3 * WINDOW);
  expect((await wait(limits))?.reason).toBe("requests");
});

test("waits until a request fits, not for the first request that leaves the window", async () => {
  const wide = { requestsPerMinute: 4 };
  await settleAll(await reserveAll(2, wide));
  await clock.advance(30_000);
  await settleAll(await reserveAll(2, wide));
  // The limit was lowered meanwhile: three of the four must leave the window before another one fits.
  const reply = await wait({ requestsPerMinute: 2 });
  expect(reply?.reason).toBe("requests");
  expect(reply?.waitMs).toBeGreaterThan(WINDOW - SLACK);
});

test("tokens are counted as estimated until the provider reports them, then as reported", async () => {
  await confirmEstimates();
  const limits = { tokensPerMinute: 100 };
  const [first] = await reserveAll(1, limits, 80);
  expect(await wait(limits, 30)).toMatchObject({ reason: "tokens" });
  await settleAll([first as Reservation], 20);
  expect((await limiter.status(LANE, limits)).tokens).toEqual({ used: 20, allowed: 100 });
  await reserveAll(1, limits, 80);
  expect(await wait(limits, 1)).toMatchObject({ reason: "tokens" });
});

test("tokens wait until enough of them have left the window", async () => {
  await confirmEstimates();
  const limits = { tokensPerMinute: 100 };
  await settleAll(await reserveAll(1, limits, 40));
  await clock.advance(20_000);
  await settleAll(await reserveAll(1, limits, 40));
  await clock.advance(20_000);
  expect((await wait(limits, 50))?.waitMs).toBeLessThanOrEqual(20_000 + MARGIN);
  const both = await wait(limits, 90);
  expect(both?.waitMs).toBeGreaterThan(40_000 - SLACK);
  await clock.advance(20_000 + MARGIN);
  await reserveAll(1, limits, 50);
});

test("a call larger than the whole window is made alone", async () => {
  await confirmEstimates();
  const limits = { tokensPerMinute: 100 };
  const small = await reserveAll(1, limits, 1);
  expect(await wait(limits, 500)).toMatchObject({ reason: "tokens" });
  await limiter.settle(
    LANE,
    small.map(({ id }) => ({ id, outcome: "unsent" })),
  );
  await reserveAll(1, limits, 500);
  expect(await wait(limits, 1)).toMatchObject({ reason: "tokens" });
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(500);
});

test("an idle lane forgets its tokens however long it was idle", async () => {
  await confirmEstimates();
  const limits = { tokensPerMinute: 100 };
  for (const idle of [WINDOW + MARGIN + 2_000, 5 * WINDOW, 24 * 3_600_000]) {
    await settleAll(await reserveAll(2, limits, 50));
    await clock.advance(idle);
    expect((await limiter.status(LANE, limits)).tokens.used).toBe(0);
  }
  await reserveAll(2, limits, 50);
});

test("estimates are raised to the real cost at once and lowered slowly", async () => {
  await confirmEstimates();
  const limits = { tokensPerMinute: 10_000 };
  await settleAll(await reserveAll(1, limits, 100), 200);
  await reserveAll(1, limits, 100);
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(400);
  await clock.advance(2 * WINDOW);
  for (let i = 0; i < 400; i++) {
    await settleAll(await reserveAll(1, {}, 100), 100);
    if (i % 80 === 79) await clock.advance(2 * WINDOW);
  }
  await clock.advance(2 * WINDOW);
  await reserveAll(1, limits, 100);
  expect((await limiter.status(LANE, limits)).tokens.used).toBeLessThanOrEqual(101);
});

test("until calls have reported their cost, more than their estimates is reserved", async () => {
  const limits = { tokensPerMinute: 1_000 };
  const cautious = await limiter.reserve(LANE, limits, Array(10).fill(100));
  expect(cautious.granted).toHaveLength(3);
  expect(cautious.wait?.reason).toBe("tokens");
  await settleAll(cautious.granted.slice(0, 1), 150);
  expect(await countGranted(10, limits, 100)).toBe(0);
  await settleAll(cautious.granted.slice(1), 150);
  // 450 tokens are used; each further call counts 150, and a third more after three reports.
  expect(await countGranted(10, limits, 100)).toBe(2);
});

test("without reported tokens the estimates count", async () => {
  const limits = { tokensPerMinute: 1_000 };
  await settleAll(await reserveAll(3, limits, 100));
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(300);
  for (let i = 0; i < 5; i++) await settleAll(await reserveAll(1, limits, 100));
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(800);
});

test("after unparking, the cost learned from earlier inputs is trusted less", async () => {
  const limits = { tokensPerMinute: 1_000 };
  await confirmEstimates();
  await limiter.unpark(LANE);
  expect(await countGranted(20, limits, 100)).toBe(8);
});

test("cheap calls in the past do not make the next one count for less than its estimate", async () => {
  const limits = { tokensPerMinute: 1_000 };
  for (let i = 0; i < 100; i++) await settleAll(await reserveAll(1, {}, 100), 1);
  await clock.advance(2 * WINDOW);
  expect(await countGranted(20, limits, 100)).toBe(10);
});

test("concurrency is freed by settling, whatever the outcome, and only the end of a call helps", async () => {
  const limits = { concurrency: 5 };
  const held = await reserveAll(5, limits);
  expect(await wait(limits)).toEqual({ reason: "concurrency" });
  const outcomes = ["ok", "failed", "fault", "suspect", "unsent"] as const;
  await limiter.settle(
    LANE,
    held.map(({ id }, i) => ({ id, outcome: outcomes[i] ?? "ok" })),
  );
  await reserveAll(5, limits);
});

test("a reservation that is not renewed expires; a renewed one does not, however long it lasts", async () => {
  const limits = { concurrency: 2 };
  const [kept] = await reserveAll(2, limits);
  for (let i = 0; i < 20; i++) {
    await clock.advance(8_000);
    await limiter.renew(LANE, [kept?.id ?? ""]);
  }
  expect((await limiter.status(LANE, limits)).concurrency.used).toBe(1);
  expect(await countGranted(2, limits)).toBe(1);
  await limiter.renew(LANE, []);
});

test("renewing does not restore an expired or settled reservation", async () => {
  const limits = { concurrency: 2 };
  const [settled, lapsed] = await reserveAll(2, limits);
  await settleAll([settled as Reservation]);
  await clock.advance(20_000);
  await reserveAll(2, limits);
  await limiter.renew(LANE, [settled?.id ?? "", lapsed?.id ?? ""]);
  expect((await limiter.status(LANE, limits)).concurrency.used).toBe(2);
});

test("a request leaves the window one window after its answer began, not after it was settled", async () => {
  const limits = { requestsPerMinute: 1 };
  const [call] = await reserveAll(1, limits);
  await clock.advance(1_900);
  await limiter.settle(LANE, [{ id: call?.id ?? "", outcome: "ok", answeredAgoMs: 1_500 }]);
  const before = await wait(limits);
  expect(before?.waitMs).toBeLessThanOrEqual(WINDOW + MARGIN - 1_500);
  await clock.advance(WINDOW + MARGIN - 1_500);
  await reserveAll(1, limits);
});

test("settling twice, or settling an unknown reservation, changes nothing", async () => {
  await confirmEstimates();
  const limits = { requestsPerMinute: 10, tokensPerMinute: 1_000, concurrency: 2 };
  const held = await reserveAll(2, limits, 100);
  await settleAll(held, 50);
  const before = await limiter.status(LANE, limits);
  await settleAll(held, 900);
  await limiter.settle(
    LANE,
    held.map(({ id }) => ({ id, outcome: "unsent" })),
  );
  await limiter.settle(LANE, [{ id: "never-granted", outcome: "fault", tokens: 5 }]);
  expect(await limiter.status(LANE, limits)).toEqual(before);
});

test("an unsent call frees its whole reservation", async () => {
  await confirmEstimates();
  const limits = { requestsPerMinute: 2, tokensPerMinute: 20, concurrency: 2 };
  const held = await reserveAll(2, limits);
  await limiter.settle(
    LANE,
    held.map(({ id }) => ({ id, outcome: "unsent" })),
  );
  expect(await limiter.status(LANE, limits)).toMatchObject({
    requests: { used: 0 },
    tokens: { used: 0 },
    concurrency: { used: 0 },
  });
  await reserveAll(2, limits);
});

test("even pacing keeps its distance, even after idle time and within one request", async () => {
  const limits = { requestsPerMinute: 2, pacing: "even" } as const;
  for (let round = 0; round < 2; round++) {
    const { granted, wait: pacing } = await limiter.reserve(LANE, limits, [1, 1, 1]);
    expect(granted).toHaveLength(1);
    expect(pacing?.reason).toBe("pacing");
    expect(pacing?.waitMs).toBeGreaterThan(30_000 * 0.9 - SLACK);
    await settleAll(granted);
    await clock.advance(10 * WINDOW);
  }
});

test("even pacing follows the tokens if they are the tighter limit", async () => {
  const limits = { requestsPerMinute: 600, tokensPerMinute: 1_000, pacing: "even" } as const;
  await settleAll(await reserveAll(1, limits, 500), 500);
  const reply = await wait(limits, 500);
  expect(reply?.reason).toBe("pacing");
  expect(reply?.waitMs).toBeGreaterThan(27_000 - SLACK);
});

test("a throttle answer pauses the lane for as long as the provider asked", async () => {
  const [call] = await reserveAll(1, {});
  await limiter.settle(LANE, [{ id: call?.id ?? "", outcome: "failed" }]);
  const { waitMs } = await limiter.throttle(
    LANE,
    {},
    { dimension: "requests", retryAfterMs: 30_000, grantedAt: call?.grantedAt ?? 0 },
  );
  expect(waitMs).toBe(30_000);
  expect(await wait({})).toMatchObject({ reason: "snoozed", detail: "throttled: requests" });
  expect(await limiter.status(LANE, {})).toMatchObject({ state: "snoozed", throttles: 1 });
  await clock.advance(30_000 - SLACK);
  expect((await wait({}))?.reason).toBe("snoozed");
  await clock.advance(SLACK);
  expect(await countGranted(1, {})).toBe(1);
});

test("a shorter pause does not end a longer one", async () => {
  const [call] = await reserveAll(1, {});
  const grantedAt = call?.grantedAt ?? 0;
  await limiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: 60_000, grantedAt });
  const { waitMs } = await limiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: 1, grantedAt });
  expect(waitMs).toBeGreaterThan(60_000 - SLACK);
});

test("faults of calls in flight do not shorten a pause that the provider asked for", async () => {
  const held = await reserveAll(6, {});
  await limiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: 60_000, grantedAt: held[0]?.grantedAt ?? 0 });
  for (const { id } of held) await limiter.settle(LANE, [{ id, outcome: "fault" }]);
  expect((await wait({}))?.waitMs).toBeGreaterThan(60_000 - SLACK);
});

test("if the provider gives no wait, pauses grow with each throttle in a row, and a success resets them", async () => {
  const throttleOnce = async () => {
    const [call] = await reserveAll(1, {});
    await limiter.settle(LANE, [{ id: call?.id ?? "", outcome: "failed" }]);
    const { waitMs } = await limiter.throttle(LANE, {}, { dimension: "requests", grantedAt: call?.grantedAt ?? 0 });
    await clock.advance(120_000);
    return waitMs;
  };
  expect([await throttleOnce(), await throttleOnce(), await throttleOnce()]).toEqual([500, 1_000, 2_000]);
  await settleAll(await reserveAll(1, {}));
  expect(await throttleOnce()).toBe(500);
});

test("a throttle answer lowers the learned limit once for all calls granted before it, and it grows back", async () => {
  const limits = { requestsPerMinute: 100 };
  const held = await reserveAll(60, limits);
  for (const { id, grantedAt } of held.slice(0, 10)) {
    await limiter.settle(LANE, [{ id, outcome: "failed" }]);
    await limiter.throttle(LANE, limits, { dimension: "requests", retryAfterMs: 0, grantedAt });
  }
  const { requests, throttles } = await limiter.status(LANE, limits);
  expect(throttles).toBe(10);
  expect(requests.learned).toBeGreaterThanOrEqual(70);
  expect(requests.learned).toBeLessThan(70 + SLACK / 1_000);
  await clock.advance(10_000);
  expect((await limiter.status(LANE, limits)).requests.learned).toBeGreaterThanOrEqual(80);
  await clock.advance(30_000);
  await wait(limits);
  expect((await limiter.status(LANE, limits)).requests.learned).toBeUndefined();
});

test("a cut starts from what the learned limit has grown to, not from the previous cut", async () => {
  const limits = { requestsPerMinute: 1_000 };
  const throttleOnce = async (calls: number) => {
    const held = await reserveAll(calls, limits);
    await limiter.throttle(LANE, limits, {
      dimension: "requests",
      retryAfterMs: 0,
      grantedAt: held[0]?.grantedAt ?? 0,
    });
    return (await limiter.status(LANE, limits)).requests.learned ?? 0;
  };
  expect(await throttleOnce(100)).toBeGreaterThanOrEqual(700);
  await clock.advance(25_000);
  expect(await throttleOnce(500)).toBeGreaterThanOrEqual(Math.floor(950 * 0.7));
});

test("a limit is learned even if none is configured, and never falls below one", async () => {
  const limits = { concurrency: 4 };
  for (let i = 0; i < 12; i++) {
    const { granted } = await limiter.reserve(LANE, limits, [1]);
    expect(granted).toHaveLength(1);
    await limiter.settle(LANE, [{ id: granted[0]?.id ?? "", outcome: "failed" }]);
    await limiter.throttle(LANE, limits, {
      dimension: "concurrency",
      retryAfterMs: 0,
      grantedAt: granted[0]?.grantedAt ?? 0,
    });
  }
  expect(await countGranted(4, limits)).toBeGreaterThanOrEqual(1);
  const other = await reserveAll(20, {}, 10, OTHER);
  await limiter.throttle(OTHER, {}, { dimension: "requests", retryAfterMs: 0, grantedAt: other[0]?.grantedAt ?? 0 });
  expect((await limiter.status(OTHER, {})).requests.learned).toBeGreaterThan(0);
});

test("a parked lane grants nothing until it is unparked, and reports why", async () => {
  await limiter.park(LANE, "auth: the key is wrong");
  expect(await wait({})).toEqual({ reason: "parked", detail: "auth: the key is wrong" });
  await clock.advance(24 * 3_600_000);
  expect(await limiter.status(LANE, {})).toMatchObject({
    state: "parked",
    reason: "auth: the key is wrong",
  });
  await limiter.unpark(LANE);
  await reserveAll(1, {});
});

test("unparking ends an outage, but not a pause that the provider asked for", async () => {
  const [call] = await reserveAll(1, {});
  await limiter.throttle(LANE, {}, { dimension: "requests", retryAfterMs: 60_000, grantedAt: call?.grantedAt ?? 0 });
  await limiter.park(LANE, "quota");
  await limiter.unpark(LANE);
  expect((await wait({}))?.reason).toBe("snoozed");
  await clock.advance(60_000);
  await reportFaults(5);
  expect((await wait({}))?.reason).toBe("snoozed");
  await limiter.unpark(LANE);
  await reserveAll(5, {});
});

test("five faults in a row are an outage: a pause, then single probes, until a success", async () => {
  expect(await reportFaults(4)).toBe(4);
  await reserveAll(2, {});
  expect(await reportFaults(1)).toBe(5);
  expect(await wait({})).toMatchObject({ reason: "snoozed", detail: "outage" });
  // The reservations of the two open calls above have expired by then.
  await clock.advance(25_000);
  const { granted, wait: more } = await limiter.reserve(LANE, {}, [1, 1, 1]);
  expect(granted).toHaveLength(1);
  expect(more).toEqual({ reason: "concurrency" });
  await settleAll(granted);
  expect((await limiter.status(LANE, {})).faultStreak).toBe(0);
  await reserveAll(10, {});
});

test("faults of calls in flight at the start of an outage do not extend the pause; failed probes do", async () => {
  const held = await reserveAll(50, {});
  for (const { id } of held) await limiter.settle(LANE, [{ id, outcome: "fault" }]);
  expect((await wait({}))?.waitMs).toBeLessThanOrEqual(1_000);
  await clock.advance(1_000);
  expect(await reportFaults(1)).toBe(51);
  const second = (await wait({}))?.waitMs ?? 0;
  expect(second).toBeLessThanOrEqual(2_000);
  await clock.advance(2_000);
  await reportFaults(1);
  expect((await wait({}))?.waitMs).toBeLessThanOrEqual(4_000);
});

test("several settlements at once are applied one by one, in order", async () => {
  const held = await reserveAll(7, {});
  const outcomes = ["fault", "fault", "fault", "ok", "fault", "failed", "fault"] as const;
  const { faultStreak } = await limiter.settle(
    LANE,
    held.map(({ id }, i) => ({ id, outcome: outcomes[i] ?? "ok" })),
  );
  expect(faultStreak).toBe(2);
});

test("faults of inputs that failed before count only while the lane is out already", async () => {
  expect(await reportFaults(20, "suspect")).toBe(0);
  const held = await reserveAll(6, {});
  for (const { id } of held.slice(0, 5)) await limiter.settle(LANE, [{ id, outcome: "fault" }]);
  const last = await limiter.settle(LANE, [{ id: held[5]?.id ?? "", outcome: "suspect" }]);
  expect(last.faultStreak).toBe(6);
});

test("a lane that has never answered is parked as unreachable sooner than one that has", async () => {
  const probes = async (lane: Lane, until: number) => {
    for (let passed = 0; passed < until; passed += 30_000) {
      const { granted } = await limiter.reserve(lane, {}, [1, 1, 1, 1, 1]);
      for (const { id } of granted) await limiter.settle(lane, [{ id, outcome: "fault" }]);
      await clock.advance(30_000);
    }
    return await limiter.status(lane, {});
  };
  await settleAll(await reserveAll(1, {}, 1, OTHER), 1, OTHER);
  expect(await probes(LANE, 61_000)).toMatchObject({ state: "parked", reason: "unreachable" });
  expect((await probes(OTHER, 400_000)).state).not.toBe("parked");
  expect(await probes(OTHER, 400_000)).toMatchObject({ state: "parked", reason: "unreachable" });
});

test("lanes share nothing", async () => {
  await confirmEstimates();
  await confirmEstimates(OTHER);
  const limits = { requestsPerMinute: 2, tokensPerMinute: 20, concurrency: 2 };
  await reserveAll(2, limits);
  await limiter.park(LANE, "auth");
  await reserveAll(2, limits, 10, OTHER);
  expect(await limiter.status(OTHER, limits)).toMatchObject({ state: "open", requests: { used: 2 } });
});

test("setting the clock back neither frees a reservation early nor stops the lane", async () => {
  const limits = { requestsPerMinute: 2, concurrency: 2 };
  await settleAll(await reserveAll(2, limits));
  clock.set(clock.now() - 3_600_000);
  expect((await wait(limits))?.waitMs).toBeLessThanOrEqual(WINDOW + MARGIN);
  await clock.advance(WINDOW + MARGIN);
  const held = await reserveAll(2, limits);
  await limiter.renew(
    LANE,
    held.map(({ id }) => id),
  );
  expect(await wait(limits)).toEqual({ reason: "concurrency" });
});

test("invalid numbers do not corrupt the state", async () => {
  await confirmEstimates();
  const limits = { tokensPerMinute: 100 };
  const { granted } = await limiter.reserve(LANE, limits, [Number.NaN, 1.5, -3]);
  expect(granted).toHaveLength(3);
  await settleAll(granted, Number.NaN);
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(2);
  await settleAll(await reserveAll(1, limits, 10), Number.POSITIVE_INFINITY);
  await settleAll(await reserveAll(1, limits, 10), 1e15);
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(1e12 + 12);
  await limiter.throttle(LANE, {}, { dimension: "tokens", retryAfterMs: Number.NaN, grantedAt: 0 });
  await clock.advance(2 * WINDOW);
  expect((await limiter.status(LANE, limits)).tokens.used).toBe(0);
});

test("sums stay exact for numbers of any size", async () => {
  const amounts = [1, 999_999_999_999, 12, 123_456_789_012, 7];
  for (const amount of amounts) await settleAll(await reserveAll(1, {}, 5), amount);
  const total = amounts.reduce((a, b) => a + b, 0);
  expect((await limiter.status(LANE, {})).tokens.used).toBe(total);
  await clock.advance(2 * WINDOW);
  await reserveAll(1, { tokensPerMinute: 100 }, 10);
});

test("a manual limit overrides the callers' limits, known or not, until it is cleared", async () => {
  await limiter.setLimits(LANE, { requestsPerMinute: 3 });
  expect(await countGranted(5, { requestsPerMinute: 100 })).toBe(3);
  expect(await countGranted(1, {})).toBe(0);
  expect(await countGranted(5, { requestsPerMinute: 4 }, 10, OTHER)).toBe(4);
  await limiter.setLimits(LANE, { requestsPerMinute: 5 });
  expect(await countGranted(5, { requestsPerMinute: 1 })).toBe(2);
  await limiter.clearLimits(LANE);
  expect(await countGranted(5, { requestsPerMinute: 7 })).toBe(2);
});

test("tokens and concurrency can be set separately", async () => {
  await confirmEstimates();
  await limiter.setLimits(LANE, { tokensPerMinute: 100 });
  await limiter.setLimits(LANE, { concurrency: 2 });
  const [first] = await reserveAll(1, { concurrency: 50 }, 60);
  expect(await wait({}, 60)).toMatchObject({ reason: "tokens" });
  await reserveAll(1, {}, 10);
  expect(await wait({}, 1)).toMatchObject({ reason: "concurrency" });
  if (first) await settleAll([first], 60);
  expect(await countGranted(2, {}, 10)).toBe(1);
});

test("the status shows which limits are manual", async () => {
  await limiter.setLimits(LANE, { requestsPerMinute: 9 });
  const limits = { requestsPerMinute: 100, concurrency: 4 };
  const { requests, concurrency } = await limiter.status(LANE, limits);
  expect(requests).toEqual({ used: 0, allowed: 9, set: true });
  expect(concurrency).toEqual({ used: 0, allowed: 4 });
  await limiter.clearLimits(LANE);
  expect((await limiter.status(LANE, limits)).requests).toEqual({ used: 0, allowed: 100 });
});

test("a manual limit discards the learned limit", async () => {
  const limits = { requestsPerMinute: 100 };
  const [refused] = await reserveAll(20, limits);
  await limiter.throttle(LANE, limits, {
    dimension: "requests",
    retryAfterMs: 0,
    grantedAt: refused?.grantedAt ?? 0,
  });
  expect((await limiter.status(LANE, limits)).requests.learned).toBeDefined();
  await limiter.setLimits(LANE, { requestsPerMinute: 50 });
  expect((await limiter.status(LANE, limits)).requests).toEqual({ used: 20, allowed: 50, set: true });
  await clock.advance(10);
  expect(await countGranted(100, limits)).toBe(30);
});

test("the status adds up the hanging calls of all workers until their reports are old", async () => {
  const report = { calls: 2, limitMs: 12_000, usualMs: 1_100, aborted: 3 };
  await limiter.reportHanging(LANE, "a", { ...report, calls: 5 });
  await limiter.reportHanging(LANE, "a", report);
  await clock.advance(3_000);
  await limiter.reportHanging(LANE, "b", { calls: 1, limitMs: 15_000, usualMs: 900, aborted: 0 });
  expect((await limiter.status(LANE, {})).hanging).toEqual({ calls: 3, limitMs: 15_000, usualMs: 1_100, aborted: 3 });
  expect((await limiter.status(OTHER, {})).hanging).toBeUndefined();
  await clock.advance(3_000);
  expect((await limiter.status(LANE, {})).hanging).toMatchObject({ calls: 1, aborted: 0 });
  await clock.advance(3_000);
  expect((await limiter.status(LANE, {})).hanging).toBeUndefined();
});
