import { afterEach, beforeEach, expect, test } from "vitest";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { findOffPeakPeriod } from "#src/core/price-windows.ts";
import { createFakeEmbedding } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { type InProcessHarness, makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let harness: InProcessHarness;

beforeEach(async () => {
  redis = openTestRedis();
  harness = await openInProcessHarness(redis);
});

afterEach(async () => {
  await harness.close();
  await redis.cleanup();
});

const PRICE = { windows: [{ from: "06:00", to: "10:00", factor: 2 }] };
const findOffPeak = (now: number) => findOffPeakPeriod([PRICE], now);

/** The system's clock, which the test moves. */
class MovableClock implements Clock {
  #offset = 0;

  moveTo(time: string): void {
    this.#offset = Date.parse(`2026-12-01T${time}Z`) - Date.now();
  }

  now(): number {
    return Date.now() + this.#offset;
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}

test("a run that starts at the peak makes no call until the price falls", async () => {
  const clock = new MovableClock();
  clock.moveTo("07:00:00");
  const model = createFakeEmbedding();
  harness.worker(model);
  const messages: string[] = [];
  const held: (number | undefined)[] = [];
  const finished = harness.coordinate(makeItems(50), {
    clock,
    findOffPeak,
    notify: (message) => messages.push(message),
    onTick: async ({ heldUntil }) => void held.push(heldUntil),
  });
  await waitFor(() => held.length >= 3, { what: "the coordinator to tick while the run is held" });
  expect(held.at(-1)).toBe(Date.parse("2026-12-01T10:00:00Z"));
  expect(messages).toEqual(["no calls until 2026-12-01 10:00 UTC, when the price falls (--off-peak)"]);
  expect(model.calls).toEqual([]);
  clock.moveTo("10:00:00");
  await finished;
  expect(messages.at(-1)).toBe("the price is low until 2026-12-02 06:00 UTC (--off-peak)");
  expect(model.calls.flat()).toHaveLength(50);
});

test("a run that is half done when the price rises waits for the next period, and repeats no call", async () => {
  const clock = new MovableClock();
  clock.moveTo("05:00:00");
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const model = createFakeEmbedding({
    onCall: async () => {
      calls += 1;
      if (calls > 5) await gate.promise;
    },
  });
  harness.worker(model, {}, { concurrency: 2 });
  let heldTicks = 0;
  const finished = harness.coordinate(makeItems(400), {
    clock,
    findOffPeak,
    onTick: async ({ heldUntil }) => {
      heldTicks = heldUntil === undefined ? 0 : heldTicks + 1;
    },
  });
  await waitFor(() => calls > 5, { what: "some calls" });
  clock.moveTo("06:00:00");
  // Workers check the state of their runs every second, that is every two ticks.
  await waitFor(() => heldTicks >= 5, { what: "the workers to return the run's jobs" });
  gate.resolve();
  const before = heldTicks;
  await waitFor(() => heldTicks >= before + 3, { what: "the calls in flight to end" });
  expect(calls).toBeLessThanOrEqual(7);
  clock.moveTo("10:00:00");
  await finished;
  expect(model.calls.flat()).toHaveLength(400);
});
