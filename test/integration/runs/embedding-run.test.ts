import { afterEach, beforeEach, expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { createFakeEmbedding, createProviderError, vectorOf } from "#test/support/fakes/fake-embedding.ts";
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

async function expectRecords(items: readonly Item[], failed: readonly number[] = []): Promise<void> {
  const store = await harness.store(items.length);
  try {
    expect(store.counts()).toMatchObject({
      ok: items.length - failed.length,
      failed: failed.length,
      missing: 0,
    });
    const bytes = new Float32Array(items.length * 4);
    await store.read(0, items.length, new Uint8Array(bytes.buffer));
    for (const item of items) {
      if (failed.includes(item.index)) continue;
      expect(bytes.subarray(item.index * 4, item.index * 4 + 4)).toEqual(vectorOf(item.text));
    }
  } finally {
    await store.close();
  }
}

test("every item gets its own vector, in full batches", async () => {
  const items = makeItems(1_000);
  const model = createFakeEmbedding();
  harness.worker(model);
  await harness.coordinate(items);
  await expectRecords(items);
  expect(model.calls.length).toBeLessThanOrEqual(102);
  expect(model.calls.flat()).toHaveLength(1_000);
});

test("the lane's concurrency limit applies across several workers", async () => {
  const items = makeItems(400);
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => gate.promise });
  for (let i = 0; i < 3; i++) harness.worker(model, {}, { concurrency: 4 });
  const done = harness.coordinate(items);
  await waitFor(() => model.maxInFlight === 4, { what: "four calls at once" });
  gate.resolve();
  await done;
  await expectRecords(items);
  expect(model.maxInFlight).toBe(4);
});

test("one poison text fails alone; its batch does not", async () => {
  const items = makeItems(100, (i) => (i === 37 ? "poison" : `text number ${i}`));
  const model = createFakeEmbedding({
    onCall: (inputs) => {
      if (inputs.includes("poison")) throw createProviderError("content-filter", { code: "1026" });
    },
  });
  harness.worker(model);
  await harness.coordinate(items);
  await expectRecords(items, [37]);
});

test("a text that always gets a status 500 fails alone after its attempts", async () => {
  const items = makeItems(60, (i) => (i === 5 ? "poison" : `text number ${i}`));
  const model = createFakeEmbedding({
    onCall: (inputs) => {
      if (inputs.includes("poison")) throw createProviderError("server", { status: 500 });
    },
  });
  harness.worker(model);
  await harness.coordinate(items);
  await expectRecords(items, [5]);
  const store = await harness.store(60);
  const block = await store.read(5, 1);
  await store.close();
  expect(block.rows.map(({ record }) => record.failure?.kind)).toEqual(["server"]);
});

test("throttled calls snooze the lane and do not count as attempts", async () => {
  const items = makeItems(50);
  let rejections = 3;
  const model = createFakeEmbedding({
    onCall: () => {
      if (rejections-- > 0) throw createProviderError("throttled", { dimension: "requests", retryAfterMs: 50 });
    },
  });
  harness.worker(model);
  await harness.coordinate(items);
  await expectRecords(items);
  expect(await harness.counters("run")).toMatchObject({
    throttles: 3,
    callsFailed: 3,
    failed: 0,
  });
});

test("a run whose coordinator is stopped halfway resumes where it stopped, without repeated calls", async () => {
  const items = makeItems(600);
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  const model = createFakeEmbedding({
    onCall: async () => {
      if (model.calls.length < 25) return;
      stop.abort();
      await stopped.promise;
    },
  });
  harness.worker(model, {}, { concurrency: 2 });
  await expect(harness.coordinate(items, { signal: stop.signal })).rejects.toThrow("interrupted");
  const store = await harness.store(600);
  const before = store.counts();
  await store.close();
  expect(before.missing).toBeGreaterThan(0);
  stopped.resolve();
  await harness.coordinate(items);
  await expectRecords(items);
  expect(model.calls.flat()).toHaveLength(600);
});

test("a stopping worker returns its jobs, and another one finishes them without repeated calls", async () => {
  const items = makeItems(300);
  const gate = Promise.withResolvers<void>();
  const slow = createFakeEmbedding({ onCall: () => (slow.calls.length > 4 ? gate.promise : undefined) });
  const first = harness.worker(slow, {}, { concurrency: 2 });
  const done = harness.coordinate(items);
  await waitFor(() => slow.calls.length === 6, { what: "two calls that are held" });
  const stopping = first.stop();
  gate.resolve();
  await stopping;
  const second = createFakeEmbedding();
  harness.worker(second);
  await done;
  await expectRecords(items);
  expect(slow.calls.flat().length + second.calls.flat().length).toBe(300);
  const counters = await harness.counters("run");
  expect(counters.callsMade).toBe(counters.callsAnswered);
});

test("a run continues after Redis has lost all its data", async () => {
  const items = makeItems(500);
  const flushed = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => (model.calls.length > 10 ? flushed.promise : undefined) });
  harness.worker(model, {}, { concurrency: 2 });
  const admin = redis.connect();
  const done = harness.coordinate(items, { windowSize: 100 });
  await waitFor(() => model.calls.length === 12, { what: "two calls that are held" });
  const keys = await admin.keys(`*${redis.namespace}*`);
  await admin.del(...keys);
  flushed.resolve();
  const { events } = await done;
  expect(events).toContainEqual(expect.objectContaining({ type: "redis-lost-run" }));
  await expectRecords(items);
});

test("a second coordinator of the same run is rejected", async () => {
  const items = makeItems(40);
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => gate.promise });
  harness.worker(model);
  const first = harness.coordinate(items);
  await waitFor(() => model.calls.length > 0);
  await expect(harness.coordinate(items)).rejects.toThrow("is coordinated by process");
  gate.resolve();
  await first;
  await expectRecords(items);
});

test("items that are done in Redis but missing on disk are embedded again", async () => {
  const items = makeItems(30);
  const keys = harness.keys.run("run");
  const admin = redis.connect();
  await admin.hset(keys.meta, { state: "running", items: 30, cursor: 0 });
  for (let index = 10; index < 20; index++) await admin.setbit(keys.done, index, 1);
  harness.worker(createFakeEmbedding());
  await harness.coordinate(items);
  await expectRecords(items);
});

test("calls that a stopping worker cuts after its grace period count as possibly paid, not as failed", async () => {
  const items = makeItems(40);
  const hanging = createFakeEmbedding({ onCall: () => new Promise(() => undefined) });
  const first = harness.worker(
    { ...hanging, embed: (request, call) => abortable(hanging.embed(request, call), call.signal) },
    { graceMs: 100 },
    { concurrency: 2 },
  );
  const done = harness.coordinate(items);
  await waitFor(() => hanging.calls.length === 2, { what: "two calls" });
  await first.stop();
  harness.worker(createFakeEmbedding());
  await done;
  await expectRecords(items);
  const counters = await harness.counters("run");
  expect(counters).toMatchObject({ callsMade: 6, callsAnswered: 4, callsFailed: 0, callsRefused: 2 });
});

test("calls that hang while others are answered are made again, and count as possibly paid", async () => {
  const items = makeItems(900);
  let calls = 0;
  const sometimes = createFakeEmbedding({
    onCall: () => (++calls > 30 && calls % 10 === 0 ? new Promise(() => undefined) : undefined),
  });
  harness.worker(
    { ...sometimes, embed: (request, call) => abortable(sometimes.embed(request, call), call.signal) },
    {},
    { concurrency: 6 },
  );
  await harness.coordinate(items);
  await expectRecords(items);
  const { callsMade, callsHung = 0, ...counters } = await harness.counters("run");
  expect(callsHung).toBeGreaterThan(5);
  expect(counters).toMatchObject({ callsFailed: 0, callsRefused: callsHung });
  expect(callsMade).toBe(sometimes.calls.length);
});

/** Rejects like an adapter when the signal aborts. */
function abortable<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(createProviderError("aborted")));
    result.then(resolve, reject);
  });
}

test("jobs that an earlier attempt at the run left in the queue are not called again", async () => {
  const items = makeItems(300);
  const stopped = new AbortController();
  const coordinated = harness.coordinate(items, {
    signal: stopped.signal,
    onTick: async ({ inFlight }) => {
      if (inFlight > 0) stopped.abort();
    },
  });
  await expect(coordinated).rejects.toThrow("interrupted");
  // As before a retry. A record shifts the ranges of the jobs, so that none has the id of an earlier one.
  await new RunControl(redis.connect(), harness.keys, "run").resetItems();
  const store = await harness.store(items.length);
  const vector = Buffer.from(vectorOf(items[0]?.text ?? "").buffer);
  await store.write([{ index: 0, attempts: 1, tokens: 1, vector }]);
  await store.close();

  const model = createFakeEmbedding();
  harness.worker(model);
  await harness.coordinate(items);
  await expectRecords(items);
  expect(model.calls.flat().sort()).toEqual(
    items
      .slice(1)
      .map(({ text }) => text)
      .sort(),
  );
});
