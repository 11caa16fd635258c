import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { LaneLimits } from "#src/core/lane.ts";
import type { Limiter, Reservation, Throttle } from "#src/limiter/limiter.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createSimulatorRandom } from "#src/simulator/answers/random.ts";
import { SimulatedAccount } from "#src/simulator/server/account.ts";
import { settingsSchema } from "#src/simulator/settings.ts";
import { createFakeClock, type FakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const HOUR = 3_600_000;

let redis: TestRedis;
let clock: FakeClock;
let limiter: Limiter;
let lanes = 0;

beforeAll(() => {
  redis = openTestRedis();
});
beforeEach(() => {
  clock = createFakeClock(10 * 24 * HOUR);
  const client = injectTime(redis.connect(), () => clock.now());
  limiter = createRedisLimiter(client, createKeys(`${redis.namespace}-${lanes++}`), { soloMs: 0, firstCalls: 0 });
});
afterAll(() => redis.cleanup());

async function grant(count: number, limits: LaneLimits, tokens = 1): Promise<readonly Reservation[]> {
  return (await limiter.reserve(LANE, limits, Array(count).fill(tokens))).granted;
}
async function finish(granted: readonly Reservation[]): Promise<void> {
  await limiter.settle(
    LANE,
    granted.map(({ id }) => ({ id, outcome: "ok", tokens: 1 })),
  );
}

interface Outcome {
  answered: number;
  refused: number;
}

/** Makes as many calls of 200 ms as the limiter grants to a provider that decides by `accepts`, on a fake clock. */
async function callFor(
  ms: number,
  limits: LaneLimits,
  accepts: (now: number) => boolean,
  throttle: Pick<Throttle, "dimension" | "window">,
): Promise<Outcome> {
  const random = createSimulatorRandom(7);
  const outcome = { answered: 0, refused: 0 };
  const events: { at: number; run: () => Promise<void> }[] = [];
  const later = (at: number, run: () => Promise<void>) => {
    const before = events.findIndex((other) => other.at > at);
    events.splice(before < 0 ? events.length : before, 0, { at, run });
  };
  const endsAt = clock.now() + ms;
  let inFlight = 0;
  let askAt = Number.POSITIVE_INFINITY;
  const arrive = async ({ id, grantedAt }: Reservation) => {
    const isAccepted = accepts(clock.now());
    outcome[isAccepted ? "answered" : "refused"] += 1;
    later(clock.now() + (isAccepted ? 150 + random() * 100 : 10), async () => {
      inFlight -= 1;
      await limiter.settle(LANE, [{ id, outcome: isAccepted ? "ok" : "failed" }]);
      if (!isAccepted) await limiter.throttle(LANE, limits, { ...throttle, grantedAt });
      await ask();
    });
  };
  const ask = async () => {
    const wanted = 20 - inFlight;
    if (wanted === 0) return;
    const { granted, wait } = await limiter.reserve(LANE, limits, Array(wanted).fill(1));
    inFlight += granted.length;
    for (const one of granted) later(clock.now() + 5 + random() * 30, () => arrive(one));
    const at = clock.now() + (wait?.waitMs ?? Number.POSITIVE_INFINITY);
    if (at >= askAt && askAt > clock.now()) return;
    askAt = at;
    if (at < endsAt) later(at, ask);
  };
  await ask();
  for (let next = events.shift(); next && next.at <= endsAt; next = events.shift()) {
    clock.set(Math.max(clock.now(), next.at));
    await next.run();
  }
  return outcome;
}

for (const pacing of ["even", "burst"] as const) {
  test(`with 5 requests per second and 300 per minute, ${pacing}, nothing is refused and 95 % of the limit is used`, async () => {
    const account = new SimulatedAccount();
    const { limits } = settingsSchema.parse({ limits: { requestsPerSecond: 5, requestsPerWindow: 300 } });
    const accepts = (now: number) => {
      const isAccepted = account.admit(now, 1, limits) === undefined;
      if (isAccepted) account.release();
      return isAccepted;
    };
    const seconds = 150;
    const outcome = await callFor(seconds * 1_000, { requestsPerSecond: 5, requestsPerMinute: 300, pacing }, accepts, {
      dimension: "requests",
    });
    expect(outcome.refused).toBe(0);
    expect(outcome.answered).toBeGreaterThan(seconds * 5 * 0.95);
  });
}

for (const [share, goodput] of [
  [0.01, 0.98],
  [0.04, 0.93],
  [0.1, 0.87],
] as const) {
  test(`${share * 100} % of refusals at random cost a lane little more than these calls`, async () => {
    const random = createSimulatorRandom(3);
    const usual = await callFor(30_000, {}, () => true, { dimension: "requests" });
    const outcome = await callFor(30_000, {}, () => random() >= share, { dimension: "requests" });
    expect(outcome.refused).toBeGreaterThan(0);
    expect(outcome.answered).toBeGreaterThan(usual.answered * goodput);
    expect((await limiter.status(LANE, {})).requests.learned).toBeUndefined();
  });
}

test("a call is granted by all windows or by none", async () => {
  const limits = { requestsPerSecond: 10, requestsPerMinute: 20, requestsPerHour: 3, tokensPerDay: 1_000 };
  await finish(await grant(8, limits));
  const { windows, requests } = await limiter.status(LANE, limits);
  expect(requests.used).toBe(3);
  expect(windows.map(({ dimension, window, used, allowed }) => [dimension, window, used, allowed])).toEqual([
    ["requests", "second", 3, 10],
    ["requests", "hour", 3, 3],
    ["tokens", "day", 3, 1_000],
  ]);
});

test("a limit of a day is spent, and then the lane is snoozed until the first calls have left the window", async () => {
  const limits = { requestsPerDay: 4 };
  await finish(await grant(2, limits));
  await clock.advance(HOUR);
  await finish(await grant(5, limits));
  expect((await limiter.reserve(LANE, limits, [1])).wait).toMatchObject({ reason: "snoozed" });
  const { state, reason, snoozeMs = 0 } = await limiter.status(LANE, limits);
  expect(state).toBe("snoozed");
  expect(reason).toBe("throttled: the limit of 4 requests per day is used up");
  expect(snoozeMs).toBeGreaterThanOrEqual(23 * HOUR);
  expect(snoozeMs).toBeLessThan(23.3 * HOUR);
  await clock.advance(snoozeMs);
  expect(await grant(4, limits)).toHaveLength(2);
});

test("a wait for a limit ends when the limit is raised", async () => {
  await finish(await grant(2, { requestsPerHour: 2 }));
  expect(await grant(1, { requestsPerHour: 2 })).toHaveLength(0);
  expect(await grant(3, { requestsPerHour: 4 })).toHaveLength(2);
  await limiter.setLimits(LANE, { requestsPerHour: 6 });
  expect(await grant(3, { requestsPerHour: 4 })).toHaveLength(2);
});

test("an unsent call frees its places in all windows, and reported tokens correct the longer ones", async () => {
  const limits = { requestsPerSecond: 2, requestsPerHour: 2, tokensPerDay: 1_000 };
  const [one, other] = await grant(2, limits, 100);
  await limiter.settle(LANE, [{ id: one?.id ?? "", outcome: "unsent" }]);
  // Longer than a minute: the window of a minute has forgotten the call.
  await clock.advance(10_000);
  await limiter.renew(LANE, [other?.id ?? ""]);
  await clock.advance(15_000);
  await limiter.settle(LANE, [{ id: other?.id ?? "", outcome: "ok", tokens: 40 }]);
  const { windows } = await limiter.status(LANE, limits);
  expect(windows.map(({ used }) => used)).toEqual([0, 1, 40]);
});

test("a refusal per day is waited for without a cut, and one per second lowers the limit per second only", async () => {
  const [call] = await grant(3, {});
  const grantedAt = call?.grantedAt ?? 0;
  const daily = await limiter.throttle(LANE, {}, { dimension: "requests", window: "day", grantedAt });
  expect(daily.waitMs).toBe(HOUR);
  await limiter.clearLimits(LANE);
  await limiter.throttle(LANE, {}, { dimension: "requests", window: "second", grantedAt });
  const { requests, windows } = await limiter.status(LANE, {});
  expect(requests.learned).toBeUndefined();
  expect(windows).toMatchObject([{ dimension: "requests", window: "second", learned: 2 }]);
});

test("a refusal that names concurrency does not cut it if as many calls in flight have been accepted", async () => {
  for (let i = 0; i < 3; i++) await finish(await grant(4, {}));
  await clock.advance(2_000);
  const calls = await grant(4, {});
  await finish(calls.slice(0, 1));
  const refuse = () => limiter.throttle(LANE, {}, { dimension: "concurrency", grantedAt: clock.now() });
  for (let i = 0; i < 4; i++) {
    await clock.advance(2_000);
    await refuse();
  }
  const status = await limiter.status(LANE, {});
  expect(status.concurrency.learned).toBeUndefined();
  expect(status.throttles).toBe(4);
});

test("refusals while more calls than ever are in flight cut concurrency", async () => {
  await grant(10, {});
  await limiter.throttle(LANE, {}, { dimension: "concurrency", grantedAt: clock.now() });
  expect((await limiter.status(LANE, {})).concurrency.learned).toBe(7);
});
