import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LaneLimits } from "#src/core/lane.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { injectTime } from "#test/support/fakes/injected-time.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const WINDOW = 1_000;
const TRANSIT = 300;
const LEASE = 400;

let redis: TestRedis;
let client: Redis;
let simulations = 0;

beforeAll(() => {
  redis = openTestRedis();
  client = redis.connect();
});
afterAll(() => redis.cleanup());

interface PlannedCall {
  /** When the call is requested, ms after the previous one. */
  readonly after: number;
  readonly estimate: number;
  /** Real cost as a share of the estimate. */
  readonly share: number;
  readonly transit: number;
  readonly duration: number;
  readonly end: "ok" | "failed" | "fault" | "unsent" | "crash";
  readonly reports: boolean;
}

interface Arrival {
  readonly at: number;
  readonly until: number;
  readonly tokens: number;
}

interface ScheduledEvent {
  readonly at: number;
  readonly run: () => Promise<void>;
}

/** Makes calls through the real scripts with an injected clock, and returns what the provider saw. */
async function simulate(
  calls: readonly PlannedCall[],
  limits: LaneLimits,
  { repeatMs = 0 }: { repeatMs?: number } = {},
): Promise<{ arrivals: Arrival[]; endedAt: number }> {
  const clock = createFakeClock(0);
  const limiter = createRedisLimiter(
    injectTime(client, () => clock.now()),
    createKeys(`${redis.namespace}-${simulations++}`),
    { windowMs: WINDOW, transitMs: TRANSIT, leaseMs: LEASE },
  );
  const arrivals: Arrival[] = [];
  const future: ScheduledEvent[] = [];
  const later = (at: number, run: () => Promise<void>) => {
    const before = future.findIndex((other) => other.at > at);
    future.splice(before < 0 ? future.length : before, 0, { at, run });
  };
  const waiting: PlannedCall[] = [];
  let waking = Number.POSITIVE_INFINITY;
  const start = (call: PlannedCall, id: string) => {
    const now = clock.now();
    if (call.end === "unsent") {
      later(now + call.transit, async () => {
        await limiter.settle(LANE, [{ id, outcome: "unsent" }]);
        await ask();
      });
      return;
    }
    const tokens = Math.floor(call.estimate * call.share);
    const duration = call.end === "crash" ? Math.min(call.duration, LEASE) : call.duration;
    arrivals.push({ at: now + Math.min(call.transit, duration), until: now + duration, tokens });
    for (let at = LEASE / 4; at < duration; at += LEASE / 4) {
      later(now + at, () => limiter.renew(LANE, [id]));
    }
    later(now + duration, async () => {
      if (call.end !== "crash") {
        const settlement = { id, outcome: call.end as "ok" } as const;
        await limiter.settle(LANE, [call.reports ? { ...settlement, tokens } : settlement]);
      }
      await ask();
    });
  };
  const ask = async () => {
    while (waiting.length > 0) {
      const estimates = waiting.slice(0, 3);
      const { granted, wait } = await limiter.reserve(
        LANE,
        limits,
        estimates.map((call) => call.estimate),
      );
      for (const { id } of granted) start(waiting.shift() as PlannedCall, id);
      if (!wait) continue;
      const at = clock.now() + (wait.waitMs ?? 50);
      if (waking <= clock.now() || at < waking) {
        waking = at;
        later(at, async () => {
          if (waking === at) waking = Number.POSITIVE_INFINITY;
          await ask();
        });
      }
      return;
    }
  };
  let at = 0;
  for (const call of calls) {
    at += call.after;
    later(at, async () => {
      waiting.push(call);
      await ask();
    });
  }
  let endedAt = 0;
  for (let next = future.shift(); next; next = future.shift()) {
    if (repeatMs > 0 && next.at > repeatMs) break;
    clock.set(Math.max(clock.now(), next.at));
    endedAt = clock.now();
    await next.run();
  }
  if (repeatMs === 0) expect(waiting).toHaveLength(0);
  return { arrivals: arrivals.sort((a, b) => a.at - b.at), endedAt };
}

/** The maximum of any window of the provider, and the most calls it worked on at once. */
function measurePeaks(arrivals: readonly Arrival[]): {
  requests: number;
  tokens: number;
  concurrency: number;
} {
  const peak = { requests: 0, tokens: 0, concurrency: 0 };
  let first = 0;
  let tokens = 0;
  arrivals.forEach((arrival, i) => {
    tokens += arrival.tokens;
    while ((arrivals[first] as Arrival).at <= arrival.at - WINDOW) {
      tokens -= (arrivals[first] as Arrival).tokens;
      first += 1;
    }
    peak.requests = Math.max(peak.requests, i - first + 1);
    peak.tokens = Math.max(peak.tokens, tokens);
    const working = arrivals.filter((other) => other.at <= arrival.at && other.until > arrival.at).length;
    peak.concurrency = Math.max(peak.concurrency, working);
  });
  return peak;
}

/** Splits `runs` into ten concurrent loops, whose commands travel to Redis together. */
async function assertInParallel<T>(property: fc.IAsyncProperty<T>, runs: number): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, () => fc.assert(property, { numRuns: runs / 10 })));
}

const plannedCall = fc.record({
  after: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 1_500 })),
  estimate: fc.integer({ min: 0, max: 40 }),
  share: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
  transit: fc.oneof(fc.constantFrom(0, TRANSIT), fc.integer({ min: 0, max: TRANSIT })),
  duration: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 1_800 })),
  end: fc.constantFrom("ok", "ok", "ok", "ok", "failed", "fault", "unsent", "crash"),
  reports: fc.boolean(),
}) as fc.Arbitrary<PlannedCall>;

const anyLimits = fc.record(
  {
    requestsPerMinute: fc.integer({ min: 1, max: 12 }),
    tokensPerMinute: fc.integer({ min: 40, max: 200 }),
    concurrency: fc.integer({ min: 1, max: 6 }),
    pacing: fc.constantFrom("even", "burst"),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<LaneLimits>;

test("no window of the provider ever holds more than the limit, whatever the calls and the network do", async () => {
  await assertInParallel(
    fc.asyncProperty(fc.array(plannedCall, { maxLength: 60 }), anyLimits, async (calls, limits) => {
      const { arrivals } = await simulate(calls, limits);
      const peak = measurePeaks(arrivals);
      expect(peak.requests).toBeLessThanOrEqual(limits.requestsPerMinute ?? Number.POSITIVE_INFINITY);
      expect(peak.tokens).toBeLessThanOrEqual(limits.tokensPerMinute ?? Number.POSITIVE_INFINITY);
      expect(peak.concurrency).toBeLessThanOrEqual(limits.concurrency ?? Number.POSITIVE_INFINITY);
    }),
    300,
  );
});

test("calls that cost more than estimated, each a little differently, fill a window to its tokens and no further", async () => {
  const bias = fc.double({ min: 0.3, max: 3, noNaN: true });
  const jitter = fc.array(fc.double({ min: 0.95, max: 1.05, noNaN: true }), {
    minLength: 60,
    maxLength: 120,
  });
  await assertInParallel(
    fc.asyncProperty(bias, jitter, async (share, jitters) => {
      const calls = jitters.map((each): PlannedCall => {
        const end = { end: "ok", reports: true } as const;
        return { after: 0, estimate: 100, share: share * each, transit: 0, duration: 200, ...end };
      });
      const { arrivals } = await simulate(calls, { tokensPerMinute: 5_000 });
      // The cost of a call is unknown in advance; one that costs more than all before it may exceed its reservation a little.
      expect(measurePeaks(arrivals).tokens).toBeLessThanOrEqual(5_000 * 1.01);
    }),
    60,
  );
});

test("a network that delays one window's requests to its end and the next one's not at all finds no gap", async () => {
  const call = { after: 0, estimate: 10, share: 1, end: "ok", reports: true } as const;
  const calls: PlannedCall[] = Array.from({ length: 200 }, (_, i) => {
    const late = Math.floor(i / 10) % 2 === 0;
    return { ...call, transit: late ? TRANSIT : 0, duration: late ? TRANSIT : 1 };
  });
  const { arrivals } = await simulate(calls, { requestsPerMinute: 10, tokensPerMinute: 100 });
  expect(measurePeaks(arrivals)).toMatchObject({ requests: 10, tokens: 100 });
});

test("with continuous demand at least 95 % of the limit is used", async () => {
  // Even pacing by tokens learns the cost of calls: each call corrects about 2 % of the difference.
  const learning = 250;
  const windows = 40;
  const steady = fc.record({
    limit: fc.integer({ min: 40, max: 60 }),
    by: fc.constantFrom("requests", "tokens", "both"),
    even: fc.boolean(),
    // Compared with a window of one second, this is like some hundred ms compared with a minute.
    duration: fc.integer({ min: 1, max: 6 }),
    share: fc.constantFrom(0.5, 1),
  });
  await assertInParallel(
    fc.asyncProperty(steady, async ({ limit, by, even, duration, share }) => {
      const tokensPerMinute = limit * 100 * share;
      const limits: LaneLimits = {
        requestsPerMinute: by === "tokens" ? undefined : limit,
        tokensPerMinute: by === "requests" ? undefined : tokensPerMinute,
        pacing: even ? "even" : undefined,
      };
      const call: PlannedCall = {
        after: 0,
        estimate: 100,
        share,
        transit: 0,
        duration,
        end: "ok",
        reports: true,
      };
      const calls = Array.from({ length: limit * (windows + 1) }, () => call);
      const { arrivals } = await simulate(calls, limits, { repeatMs: windows * WINDOW });
      const learnedAt = even && share < 1 ? (arrivals[learning]?.at ?? 0) : 0;
      const steadily = arrivals.filter(({ at }) => at >= learnedAt).length;
      expect(steadily).toBeGreaterThanOrEqual((0.95 * limit * (windows * WINDOW - learnedAt)) / WINDOW);
    }),
    10,
  );
});
