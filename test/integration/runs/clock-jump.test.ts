import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createFakeEmbedding } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { type InProcessHarness, makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

const HOUR = 3_600_000;

let redis: TestRedis;
let harness: InProcessHarness;

beforeEach(async () => {
  redis = openTestRedis();
  harness = await openInProcessHarness(redis);
});

afterEach(async () => {
  vi.restoreAllMocks();
  await harness.close();
  await redis.cleanup();
});

/** Moves the clock of this process, as of Sluice, BullMQ, and ioredis; the clock of Redis stays. */
function moveClock(ms: number): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + ms);
}

/** A model whose calls wait from the fourth one on, until `release` is called. */
function createHeldModel() {
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  const model = createFakeEmbedding({
    onCall: async () => {
      calls += 1;
      if (calls > 3) await gate.promise;
    },
  });
  return { model, release: () => gate.resolve(), held: () => Math.max(0, calls - 3) };
}

test.for([
  ["back", -HOUR],
  ["forward", HOUR],
] as const)("a run goes on when the clock jumps %s by an hour, and repeats no call", async ([_, shiftMs]) => {
  const { model, release, held } = createHeldModel();
  harness.worker(model, {}, { concurrency: 4 });
  // A small window: records must become durable for further items to be fed.
  const finished = harness.coordinate(makeItems(300), { windowSize: 50 });
  await waitFor(() => held() > 0, { what: "calls in flight" });
  moveClock(shiftMs);
  release();
  await finished;
  expect(model.calls.flat()).toHaveLength(300);
});

test("the locks of held jobs are renewed after the clock was set back", async () => {
  const { model, release, held } = createHeldModel();
  harness.worker(model, {}, { concurrency: 4 });
  const finished = harness.coordinate(makeItems(100));
  await waitFor(() => held() > 0, { what: "calls in flight" });
  moveClock(-HOUR);
  const client = redis.connect();
  // Jobs whose calls have ended still lose their locks; those of the held calls stay and are renewed.
  const last = new Map<string, number>();
  await waitFor(
    async () => {
      const locks = await client.keys("*:lock");
      const renewals = await Promise.all(
        locks.map(async (lock) => {
          const left = await client.pttl(lock);
          const isRenewed = left > (last.get(lock) ?? left);
          last.set(lock, left);
          return isRenewed;
        }),
      );
      return renewals.includes(true);
    },
    { what: "a renewal of a lock" },
  );
  release();
  await finished;
  expect(model.calls.flat()).toHaveLength(100);
});
