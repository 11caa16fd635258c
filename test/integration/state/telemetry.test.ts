import { expect, test } from "vitest";
import { countDurations } from "#src/core/duration-histogram.ts";
import type { Lane } from "#src/core/lane.ts";
import { createKeys } from "#src/redis/keys.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { readJournal } from "#src/state/runs/run-journal.ts";
import { TELEMETRY_STEPS } from "#src/state/telemetry/telemetry.ts";
import { TelemetryHistory } from "#src/state/telemetry/telemetry-history.ts";
import {
  listActiveLanes,
  readLaneSeries,
  readLaneTotals,
  readRecordTotals,
} from "#src/state/telemetry/telemetry-reader.ts";
import { TelemetryWriter } from "#src/state/telemetry/telemetry-writer.ts";
import { createFakeEmbedding, createProviderError } from "#test/support/fakes/fake-embedding.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";
import { makeItems, openInProcessHarness } from "#test/support/runs/in-process-harness.ts";

const LANE: Lane = { provider: "fake", account: "default", model: "m" };
const PRICE = { inputPerMillionTokens: 0.5, outputPerMillionTokens: 2, currency: "CNY" };

function openWriter(redis: ReturnType<typeof openTestRedis>) {
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  return { client, keys, writer: new TelemetryWriter(client, keys, { everyMs: 0 }) };
}

/** Records the hashes that are read through this client. */
function countReads(client: ReturnType<ReturnType<typeof openTestRedis>["connect"]>): () => number {
  const pipeline = client.pipeline.bind(client);
  let reads = 0;
  client.pipeline = (...args) => {
    const made = pipeline(...args);
    const hgetall = made.hgetall.bind(made);
    made.hgetall = (key: string) => {
      reads += 1;
      return hgetall(key);
    };
    return made;
  };
  return () => reads;
}

test("calls of several processes add up, in the current step and in the totals", async () => {
  await using redis = openTestRedis();
  const { client, keys, writer } = openWriter(redis);
  const other = new TelemetryWriter(redis.connect(), keys, { everyMs: 0 });
  for (const each of [writer, other]) {
    each.observe({
      lane: LANE,
      inputs: 10,
      durationMs: 120,
      at: 0,
      tokens: { input: 1_000, output: 0 },
      price: PRICE,
    });
    each.observe({
      lane: LANE,
      inputs: 1,
      durationMs: 900,
      firstDeltaMs: 40,
      tokens: { input: 10, output: 90 },
    });
    each.observe({ lane: LANE, inputs: 10, error: "throttled" });
    each.observe({ lane: LANE, inputs: 10, error: "server" });
    await each.flush();
  }
  const totals = await readLaneTotals(client, keys, "fake/m");
  expect(totals).toMatchObject({
    calls: 8,
    answered: 4,
    inputs: 22,
    tokens: { input: 2_020, output: 180 },
    throttles: 2,
    errors: { throttled: 2, server: 2 },
    unpriced: 2,
  });
  expect(totals.cost.CNY).toBeCloseTo(0.001, 9);
  expect(countDurations(totals.durations)).toBe(4);
  expect(totals.durations.sumMs).toBe(2_040);
  expect(countDurations(totals.firstDeltas)).toBe(2);
  const now = await readServerTime(client);
  for (const step of ["fine", "coarse"] as const) {
    const { stepMs } = TELEMETRY_STEPS[step];
    const series = await readLaneSeries(client, keys, "fake/m", step, { from: now - 3 * stepMs, to: now });
    expect(series).toHaveLength(4);
    expect(series.map(({ at }) => at % stepMs)).toEqual([0, 0, 0, 0]);
    expect(series.reduce((sum, { calls }) => sum + calls, 0)).toBe(8);
  }
  expect(await listActiveLanes(client, keys)).toEqual(["fake/m"]);
});

test("every key expires", async () => {
  await using redis = openTestRedis();
  const { client, writer } = openWriter(redis);
  writer.observe({ lane: LANE, inputs: 1, durationMs: 1 });
  writer.countRecords("ok", 3);
  writer.record("run-1", {
    items: [1],
    attempt: 1,
    kind: "server",
    message: "x",
    durationMs: 1,
    worker: "w",
  });
  await writer.flush();
  const all = await client.keys(`*${redis.namespace}*`);
  expect(all.length).toBeGreaterThanOrEqual(6);
  for (const key of all) expect(await client.pttl(key), key).toBeGreaterThan(0);
});

test("fractions of small amounts are carried over until they add up to a unit", async () => {
  await using redis = openTestRedis();
  const { client, keys, writer } = openWriter(redis);
  for (let i = 0; i < 10; i++) {
    writer.observe({ lane: LANE, inputs: 1, durationMs: 0.4 });
    await writer.flush();
  }
  expect((await readLaneTotals(client, keys, "fake/m")).durations.sumMs).toBe(4);
});

test("while Redis does not reply, one flush waits and nothing piles up", async () => {
  await using redis = openTestRedis();
  const { client, keys } = openWriter(redis);
  const away = redis.connect({ lazyConnect: true });
  const writer = new TelemetryWriter(away, keys, { everyMs: 0 });
  let release = () => {};
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const send = away.sendCommand.bind(away);
  let sent = 0;
  away.sendCommand = (command, stream) => {
    sent += 1;
    return blocked.then(() => send(command, stream));
  };
  const flushes = Array.from({ length: 50 }, () => {
    writer.observe({ lane: LANE, inputs: 1, durationMs: 1 });
    return writer.flush();
  });
  expect(sent).toBe(1);
  release();
  await Promise.all(flushes);
  await writer.flush();
  expect((await readLaneTotals(client, keys, "fake/m")).calls).toBe(50);
});

test("a history reads everything once, then only what may have changed", async () => {
  await using redis = openTestRedis();
  const { client, keys, writer } = openWriter(redis);
  const now = await readServerTime(client);
  const slot = Math.floor(now / 10_000) - 30;
  await client.hset(keys.telemetry("fake/m").step("fine", slot), "c", 5, "a", 5);
  writer.observe({ lane: LANE, inputs: 1, durationMs: 10 });
  await writer.flush();
  const history = new TelemetryHistory(client, keys);
  await history.refresh();
  const before = history.series("fake/m", "fine");
  expect(before).toHaveLength(360);
  expect(before.filter(({ calls }) => calls > 0).map(({ calls }) => calls)).toEqual([5, 1]);
  const reads = countReads(client);
  writer.observe({ lane: LANE, inputs: 1, durationMs: 10 });
  await writer.flush();
  await history.refresh();
  expect(history.series("fake/m", "fine")).toHaveLength(360);
  expect(history.series("fake/m", "coarse")).toHaveLength(1_440);
  expect(history.recent("fake/m", 60_000).calls).toBe(2);
  expect(history.lanes()).toEqual(["fake/m"]);
  expect(reads()).toBeLessThan(12);
});

test("expired data and data of other versions are ignored", async () => {
  await using redis = openTestRedis();
  const { client, keys } = openWriter(redis);
  const { totals } = keys.telemetry("fake/m");
  await client.hset(totals, { c: "7", a: "rubbish", ti: "-4", zz: "9", d3: "1", d999: "8", "e:novel": "2" });
  const stats = await readLaneTotals(client, keys, "fake/m");
  expect(stats).toMatchObject({
    calls: 7,
    answered: 0,
    tokens: { input: 0, output: 0 },
    errors: { novel: 2 },
  });
  expect(countDurations(stats.durations)).toBe(1);
});

test("workers report calls, failures and records", async () => {
  await using redis = openTestRedis();
  const harness = await openInProcessHarness(redis);
  const client = redis.connect();
  let fails = 2;
  harness.worker(
    createFakeEmbedding({
      onCall: (inputs) => {
        if (inputs.includes("text number 5") && fails-- > 0) throw createProviderError("server", { code: "1000" });
        if (inputs.some((text) => text.includes("bad"))) throw createProviderError("invalid-request");
      },
    }),
  );
  await harness.coordinate(
    makeItems(40, (i) => (i === 33 ? "a bad text" : `text number ${i}`)),
    { runId: "reported" },
  );
  const counters = await harness.counters("reported");
  await harness.close();
  const stats = await readLaneTotals(client, harness.keys, "fake/m");
  expect(stats.calls).toBe(counters.callsMade);
  expect(stats.answered).toBe(counters.callsAnswered);
  expect(stats.inputs).toBe(39);
  expect(stats.tokens.input).toBe(counters.tokens);
  expect(stats.errors.server).toBe(2);
  expect(stats.errors["invalid-request"]).toBeGreaterThanOrEqual(2);
  expect(stats.unpriced).toBe(stats.answered);
  expect(await readRecordTotals(client, harness.keys)).toEqual({ ok: 39, "invalid-request": 1 });

  const entries = await readJournal(client, harness.keys, "reported", 5);
  expect(entries.map(({ attempt, kind, code }) => [attempt, kind, code])).toEqual([
    [1, "server", "1000"],
    [2, "server", "1000"],
  ]);
  expect(entries[0]?.items).toContain(5);
  expect(entries[0]!.at).toBeLessThanOrEqual(entries[1]!.at);
  expect((await readJournal(client, harness.keys, "reported", 33)).at(-1)).toMatchObject({
    items: [33],
    kind: "invalid-request",
    message: "a simulated failure of kind invalid-request",
  });
  expect(await readJournal(client, harness.keys, "reported", 20)).toHaveLength(0);
});

test("a clock that jumps in either direction leaves no gaps in a series", async () => {
  await using redis = openTestRedis();
  const { client, keys, writer } = openWriter(redis);
  writer.observe({ lane: LANE, inputs: 1, durationMs: 10 });
  await writer.flush();
  const history = new TelemetryHistory(client, keys);
  const time = client.time.bind(client);
  const real = await readServerTime(client);
  for (const jumpMs of [0, 7_200_000, -600_000, 3_000, 0]) {
    const at = real + jumpMs;
    client.time = () => Promise.resolve([Math.floor(at / 1_000), 0]);
    await history.refresh();
    for (const step of ["fine", "coarse"] as const) {
      const { stepMs } = TELEMETRY_STEPS[step];
      const series = history.series("fake/m", step);
      const last = Math.floor(at / stepMs) * stepMs;
      const expected = Array.from({ length: series.length }, (_, i) => last - (series.length - 1 - i) * stepMs);
      expect(series.map((point) => point.at)).toEqual(expected);
      expect(series).toHaveLength(step === "fine" ? 360 : 1_440);
    }
  }
  client.time = time;
  await history.refresh();
  expect(history.recent("fake/m", 3_600_000).calls).toBe(1);
});
