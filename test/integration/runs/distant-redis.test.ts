import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { createFakeEmbedding } from "#test/support/fakes/fake-embedding.ts";
import { type LatencyProxy, startLatencyProxy } from "#test/support/redis/latency-proxy.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { type InProcessHarness, makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";
import { waitFor } from "#test/support/wait-for.ts";

/** Start and resume are documented to need 30. The periodic work of a slow test machine needs a few more. */
const MAX_ROUND_TRIPS = 45;

interface DistantRun {
  readonly harness: InProcessHarness;
  readonly proxy: LatencyProxy;
  /** Reads Redis directly. */
  readonly client: Redis;
  readonly namespace: string;
}

async function withDistantRedis(roundTripMs: number, body: (run: DistantRun) => Promise<void>): Promise<void> {
  const redis = openTestRedis();
  const proxy = await startLatencyProxy(redis.url, roundTripMs);
  const harness = await openInProcessHarness(redis, proxy.url);
  try {
    await body({ harness, proxy, client: redis.connect(), namespace: redis.namespace });
  } finally {
    await harness.close();
    await proxy.close();
    await redis.cleanup();
  }
}

/** Coordinates without workers until `isReached`, then stops. */
async function coordinateUntil(
  harness: InProcessHarness,
  items: ReturnType<typeof makeItems>,
  isReached: () => Promise<boolean>,
): Promise<void> {
  const stop = new AbortController();
  const coordinated = harness.coordinate(items, { windowSize: items.length, signal: stop.signal });
  coordinated.catch(() => undefined);
  await Promise.race([waitFor(isReached, { what: "the jobs" }), coordinated]);
  stop.abort();
  await expect(coordinated).rejects.toThrow("interrupted");
}

async function countQueuedJobs({ client, namespace }: DistantRun): Promise<number> {
  const keys = await client.keys(`*${namespace}*:wait`);
  const lengths = await Promise.all(keys.map((key) => client.llen(key)));
  return lengths.reduce((sum, length) => sum + length, 0);
}

async function deleteQueues({ client, namespace }: DistantRun): Promise<void> {
  const keys = (await client.keys(`*${namespace}*`)).filter((key) => key.includes("{queue:"));
  await client.del(...keys);
}

const JOBS = 40;
const ITEMS_PER_JOB = 80;

test.each([5, 40, 200])("a run resumes over a Redis that is %i ms away", async (roundTripMs) => {
  await withDistantRedis(roundTripMs, async (run) => {
    const { harness, proxy } = run;
    const items = makeItems(JOBS * ITEMS_PER_JOB);
    const allQueued = async () => (await countQueuedJobs(run)) >= JOBS;

    proxy.resetRoundTrips();
    await coordinateUntil(harness, items, allQueued);
    expect(proxy.roundTrips()).toBeLessThan(MAX_ROUND_TRIPS);

    await deleteQueues(run);
    proxy.resetRoundTrips();
    await coordinateUntil(harness, items, allQueued);
    expect(proxy.roundTrips()).toBeLessThan(MAX_ROUND_TRIPS);

    const model = createFakeEmbedding();
    harness.worker(model, {}, { concurrency: 100 });
    await harness.coordinate(items, { windowSize: items.length });
    expect(model.calls.flat()).toHaveLength(items.length);
  });
});
