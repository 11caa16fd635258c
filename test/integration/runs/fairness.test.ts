import { afterEach, beforeEach, expect, test } from "vitest";
import { createFakeEmbedding, createProviderError } from "#test/support/fakes/fake-embedding.ts";
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

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until these runs have queued all their items, so that the order of the calls does not depend on when they do. */
async function waitUntilQueued(sizes: Readonly<Record<string, number>>): Promise<void> {
  const client = redis.connect();
  for (const [runId, count] of Object.entries(sizes)) {
    const isQueued = async () => Number(await client.hget(harness.keys.run(runId).meta, "cursor")) === count;
    await waitFor(isQueued, { what: `the jobs of the run ${runId}` });
  }
}

test("two runs on one lane progress together: the small one ends when twice its size is done", async () => {
  const small = makeItems(500, (i) => `small ${i}`);
  const large = makeItems(3_000, (i) => `large ${i}`);
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => (model.calls.length > 20 ? gate.promise : pause(5)) });
  harness.worker(model, {}, { concurrency: 2 });
  const first = harness.coordinate(large, { runId: "large", folder: "large", windowSize: 1_500 });
  await waitFor(() => model.calls.length > 20, { what: "the large run to be under way" });
  const second = harness.coordinate(small, { runId: "small", folder: "small", windowSize: 1_500 });
  await waitUntilQueued({ small: 500 });
  gate.resolve();
  await Promise.all([first, second]);
  // The texts in the order of their calls, from the small run's first to its last.
  const order = model.calls.flat().map((text) => text.startsWith("small"));
  const during = order.slice(order.indexOf(true), order.lastIndexOf(true) + 1);
  expect(during.filter((isSmall) => isSmall)).toHaveLength(500);
  expect(during.length).toBeGreaterThan(800);
  expect(during.length).toBeLessThan(1_200);
  // Neither run ever stalls: any 200 consecutive texts contain some of each run.
  for (let at = 0; at + 200 <= during.length; at += 100) {
    const part = during.slice(at, at + 200).filter((isSmall) => isSmall).length;
    expect(part).toBeGreaterThan(40);
    expect(part).toBeLessThan(160);
  }
});

test("a tenant with nine runs of ten does not delay the run of another tenant beyond its fair share", async () => {
  const gate = Promise.withResolvers<void>();
  const model = createFakeEmbedding({ onCall: () => (model.calls.length > 4 ? gate.promise : pause(1)) });
  // The jobs that the worker holds already are finished first: few, in relation to the run.
  harness.worker(model, { jobs: 2 }, { concurrency: 4 });
  const run = (runId: string, tenant: string, count: number) =>
    harness.coordinate(
      makeItems(count, (i) => `${tenant} ${i}`),
      { runId, folder: runId, windowSize: count, tenant: { id: tenant, weight: 1 } },
    );
  const large = Array.from({ length: 9 }, (_, n) => run(`large-${n}`, "large", 400));
  await waitUntilQueued(Object.fromEntries(large.map((_, n) => [`large-${n}`, 400])));
  await waitFor(() => model.calls.length > 4, { what: "the lane to be full" });
  const small = run("small", "small", 1_600);
  await waitUntilQueued({ small: 1_600 });
  const before = model.calls.length;
  gate.resolve();
  await Promise.all([...large, small]);
  const order = model.calls
    .slice(before)
    .flat()
    .map((text) => text.startsWith("small"));
  const during = order.slice(0, order.lastIndexOf(true) + 1);
  expect(during.filter((isSmall) => isSmall)).toHaveLength(1_600);
  // With a fair share of one half, it would be done after twice its size.
  expect(during.length).toBeLessThanOrEqual(1.1 * 3_200);
});

test("a call with texts of two runs is counted once, and its texts are counted for their runs", async () => {
  const model = createFakeEmbedding({ onCall: () => pause(5) });
  const sizes = { one: 155, two: 145 };
  const runs = Object.entries(sizes).map(([runId, count]) =>
    harness.coordinate(
      makeItems(count, (i) => `${runId} ${i}`),
      { runId, folder: runId },
    ),
  );
  await waitUntilQueued(sizes);
  harness.worker(model, {}, { concurrency: 1 });
  await Promise.all(runs);
  const mixed = model.calls.filter((texts) => new Set(texts.map((text) => text.slice(0, 3))).size > 1);
  expect(mixed.length).toBeGreaterThan(0);
  let [calls, answered] = [0, 0];
  for (const [runId, count] of Object.entries(sizes)) {
    const counters = await harness.counters(runId);
    expect(counters).toMatchObject({ inputs: count, succeeded: count });
    calls += counters.callsMade;
    answered += counters.callsAnswered;
  }
  expect([calls, answered]).toEqual([model.calls.length, model.calls.length]);
});

test("a failed call with texts of two runs is reported to each run with its own texts, and is one failed call", async () => {
  const isMixed = (texts: readonly string[]) => new Set(texts.map((text) => text.slice(0, 3))).size > 1;
  const failed: { readonly kind: "throttled" | "server"; readonly texts: readonly string[] }[] = [];
  const model = createFakeEmbedding({
    onCall: async (texts) => {
      await pause(5);
      const kind = (["throttled", "server"] as const)[failed.length];
      if (!kind || !isMixed(texts)) return;
      failed.push({ kind, texts });
      throw createProviderError(kind);
    },
  });
  const sizes = { one: 155, two: 145 };
  const runs = Object.entries(sizes).map(([runId, count]) =>
    harness.coordinate(
      makeItems(count, (i) => `${runId} ${i}`),
      { runId, folder: runId },
    ),
  );
  await waitUntilQueued(sizes);
  harness.worker(model, {}, { concurrency: 1 });
  await Promise.all(runs);
  expect(failed.length).toBeGreaterThan(0);
  const own = (runId: string, texts: readonly string[]) => texts.filter((text) => text.startsWith(runId)).length;
  const totals = { calls: 0, failed: 0, throttles: 0 };
  for (const runId of Object.keys(sizes)) {
    const counters = await harness.counters(runId);
    const throttled = failed.filter(({ kind }) => kind === "throttled").flatMap(({ texts }) => texts);
    expect(counters).toMatchObject({
      inputs: own(runId, model.calls.flat()),
      snoozes: own(runId, throttled),
    });
    totals.calls += counters.callsMade;
    totals.failed += counters.callsFailed;
    totals.throttles += counters.throttles;
  }
  expect(totals).toEqual({
    calls: model.calls.length,
    failed: failed.length,
    throttles: failed.filter(({ kind }) => kind === "throttled").length,
  });
});

test("three runs of different sizes finish in the order of their sizes", async () => {
  const model = createFakeEmbedding({ onCall: () => pause(5) });
  harness.worker(model, {}, { concurrency: 2 });
  const run = (runId: string, count: number) =>
    harness.coordinate(
      makeItems(count, (i) => `${runId} ${i}`),
      { runId, folder: runId, windowSize: 1_000 },
    );
  await Promise.all([run("c", 2_400), run("b", 1_200), run("a", 300)]);
  const order = model.calls.flat().map((text) => text.slice(0, 1));
  const ends = ["a", "b", "c"].map((runId) => order.lastIndexOf(runId));
  expect(ends).toEqual([...ends].sort((x, y) => x - y));
});

test("a lane that is parked for auth does not block another model in the same worker", async () => {
  const bad = createFakeEmbedding({
    onCall: () => {
      throw createProviderError("auth");
    },
  });
  const good = createFakeEmbedding({ onCall: () => pause(2) });
  // Few job slots: jobs of the parked lane must not occupy them.
  harness.worker((name) => (name === "bad" ? bad : good), { jobs: 4 }, { concurrency: 2 });
  const stop = new AbortController();
  const stuck = harness.coordinate(makeItems(1_000), {
    runId: "stuck",
    folder: "stuck",
    model: "bad",
    signal: stop.signal,
  });
  const stopped = expect(stuck).rejects.toThrow("interrupted");
  await waitFor(() => bad.calls.length > 0, { what: "the refused call" });
  await harness.coordinate(makeItems(1_000), { runId: "free", folder: "free", model: "good" });
  expect(good.calls.flat()).toHaveLength(1_000);
  // Calls in flight at the first rejection, and calls granted before the lane was parked, out of 100 batches.
  expect(bad.calls.length).toBeLessThanOrEqual(6);
  stop.abort();
  await stopped;
});
