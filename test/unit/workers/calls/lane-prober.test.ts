import { expect, test } from "vitest";
import type { Limiter } from "#src/limiter/limiter.ts";
import { LaneProber, type ProbeCall, type ProbeResult } from "#src/workers/calls/lane-prober.ts";
import { createFakeClock, flushPromises } from "#test/support/fakes/fake-clock.ts";
import { createProviderError } from "#test/support/fakes/fake-embedding.ts";
import { createFakeLimiter } from "#test/support/fakes/fake-limiter.ts";

const LANE = { provider: "fake", account: "default", model: "m" };
const LIMITS = { concurrency: 4 };

function openProber(wrap = (limiter: Limiter) => limiter) {
  const clock = createFakeClock();
  const limiter = wrap(createFakeLimiter(clock));
  const stop = new AbortController();
  const prober = new LaneProber();
  /** Each probe that was sent; the test answers it. */
  const sent: PromiseWithResolvers<number | undefined>[] = [];
  const call: ProbeCall = () => {
    const probe = Promise.withResolvers<number | undefined>();
    sent.push(probe);
    return probe.promise;
  };
  const grant = (grantedAt = clock.now()) => ({
    lane: { lane: LANE, limits: LIMITS, model: undefined },
    reservation: { id: `call:${grantedAt}`, grantedAt },
  });
  const probe = (status: number, grantedAt?: number) =>
    prober.probe({ grant: grant(grantedAt), status }, call, { limiter, clock, signal: stop.signal });
  return { clock, limiter, stop, prober, sent, grant, probe };
}

/** The result so far; "pending" while there is none. */
async function peek(result: Promise<ProbeResult>): Promise<ProbeResult | "pending"> {
  await flushPromises();
  return await Promise.race([result, Promise.resolve("pending" as const)]);
}

test.each([401, 403])(
  "a probe that was sent before a call got HTTP %d does not prove that the input is the cause",
  async (status) => {
    const { clock, probe, sent } = openProber();
    const first = probe(status);
    await clock.advance(100);
    // The provider accepts the probe, then the key is revoked, and another call is refused while the answer is under way.
    const second = probe(status);
    await flushPromises();
    sent[0]?.resolve(1);
    expect(await first).toBe("accepted");
    await flushPromises();
    expect(sent).toHaveLength(2);
    sent[1]?.reject(createProviderError("auth", { status }));
    expect(await second).toBe("refused");
  },
);

test("refusals that are known before the probe is sent share it", async () => {
  const { probe, sent } = openProber();
  const results = [probe(401), probe(401), probe(403)];
  await flushPromises();
  sent[0]?.resolve(1);
  expect(await Promise.all(results)).toEqual(["accepted", "accepted", "accepted"]);
  expect(sent).toHaveLength(1);
});

test("refusals during a probe share the next one, and the answer that the account is refused", async () => {
  const { clock, probe, sent } = openProber();
  const first = probe(401);
  await clock.advance(100);
  const later = [probe(401), probe(401), probe(401)];
  sent[0]?.resolve(1);
  await first;
  await flushPromises();
  sent[1]?.resolve(1);
  expect(await Promise.all(later)).toEqual(["accepted", "accepted", "accepted"]);
  expect(sent).toHaveLength(2);

  const refused = [probe(401)];
  await flushPromises();
  refused.push(probe(401));
  sent[2]?.reject(createProviderError("quota", { status: 402 }));
  expect(await Promise.all(refused)).toEqual(["refused", "refused"]);
  expect(sent).toHaveLength(3);
});

test("a later success of another call answers for a 403, and not for a 401", async () => {
  const { clock, prober, grant, probe, sent } = openProber();
  const refusedAt = clock.now();
  await clock.advance(10);
  prober.recordSuccess(grant());
  expect(await probe(403, refusedAt)).toBe("accepted");
  expect(sent).toHaveLength(0);
  const unauthorized = probe(401, refusedAt);
  expect(await peek(unauthorized)).toBe("pending");
  sent[0]?.reject(createProviderError("auth", { status: 401 }));
  expect(await unauthorized).toBe("refused");
});

test("the reservation of a probe is renewed like those of other calls, until the probe has ended", async () => {
  const { limiter, prober, probe, sent } = openProber();
  const result = probe(401);
  await flushPromises();
  expect(prober.inFlight()).toEqual([[LANE, ["fake:1"]]]);
  sent[0]?.resolve(1);
  await result;
  expect(prober.inFlight()).toEqual([]);
  expect((await limiter.status(LANE, LIMITS)).concurrency.used).toBe(0);
});

test("faults of probes count as faults of the lane", async () => {
  const { limiter, probe, sent } = openProber();
  const result = probe(401);
  await flushPromises();
  sent[0]?.reject(createProviderError("network"));
  expect(await result).toBeUndefined();
  expect((await limiter.status(LANE, LIMITS)).faultStreak).toBe(1);
});

test("a throttled probe pauses the lane", async () => {
  const { limiter, probe, sent } = openProber();
  const result = probe(401);
  await flushPromises();
  sent[0]?.reject(createProviderError("throttled", { status: 429, retryAfterMs: 7_000 }));
  expect(await result).toBeUndefined();
  expect(await limiter.status(LANE, LIMITS)).toMatchObject({ state: "snoozed" });
});

test("a worker that stops sends no probe", async () => {
  const { limiter, stop, probe, sent } = openProber();
  stop.abort(new Error("stopping"));
  expect(await probe(401)).toBeUndefined();
  expect(sent).toHaveLength(0);
  expect((await limiter.status(LANE, LIMITS)).requests.used).toBe(0);
});
