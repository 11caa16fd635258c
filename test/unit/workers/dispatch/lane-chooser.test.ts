import { expect, test } from "vitest";
import { LaneChooser } from "#src/workers/dispatch/lane-chooser.ts";
import { createFakeClock } from "#test/support/fakes/fake-clock.ts";
import { createFakeLimiter } from "#test/support/fakes/fake-limiter.ts";

const lane = (account: string, requestsPerMinute = 100) => ({
  lane: { provider: "fake", account, model: "m" },
  limits: { requestsPerMinute },
  model: account,
});

test("reservations start at another account each time and continue on the next when one is full", async () => {
  const chooser = new LaneChooser(createFakeLimiter(createFakeClock()), [lane("a", 3), lane("b", 3)]);
  const firsts = [];
  for (let i = 0; i < 2; i++) firsts.push((await chooser.reserve([1])).grants[0]?.lane.model);
  expect(firsts).toEqual(["a", "b"]);
  const { grants, wait, areAllParked } = await chooser.reserve([1, 1, 1, 1, 1]);
  expect(grants.map((grant) => grant.lane.model)).toEqual(["a", "a", "b", "b"]);
  expect(wait?.reason).toBe("requests");
  expect(areAllParked).toBe(false);
});

test("a model is parked only when all its accounts are; one parked account leaves the work to the other", async () => {
  const limiter = createFakeLimiter(createFakeClock());
  const lanes = [lane("a"), lane("b")];
  const chooser = new LaneChooser(limiter, lanes);
  await limiter.park(lanes[0]?.lane ?? lane("a").lane, "auth");
  for (let i = 0; i < 2; i++) {
    const { grants, areAllParked } = await chooser.reserve([1, 1]);
    expect(grants.map((grant) => grant.lane.model)).toEqual(["b", "b"]);
    expect(areAllParked).toBe(false);
  }
  await limiter.park(lane("b").lane, "auth");
  expect(await chooser.reserve([1])).toMatchObject({ grants: [], areAllParked: true });
});

test("grants of one account are used even if the request to the next one fails", async () => {
  const limiter = createFakeLimiter(createFakeClock());
  const chooser = new LaneChooser(
    {
      ...limiter,
      reserve: async (asked, ...rest) => {
        if (asked.account === "b") throw new Error("connection lost");
        return await limiter.reserve(asked, ...rest);
      },
    },
    [lane("a", 2), lane("b")],
  );
  expect((await chooser.reserve([1, 1, 1])).grants).toHaveLength(2);
  await expect(chooser.reserve([1])).rejects.toThrow("connection lost");
});
