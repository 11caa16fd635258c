import { expect, test } from "vitest";
import { HISTORY_SPANS } from "#src/dashboard/overview/build-history.ts";
import { GaugeStore } from "#src/dashboard/sampling/gauge-store.ts";
import { GaugeHistory } from "#src/dashboard/sampling/gauges.ts";
import { createKeys } from "#src/redis/keys.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { openDashboard } from "#test/support/dashboard/dashboard.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

const MINUTE = 60_000;
const NOW = 1_795_000_000_000;
const histories = () => ({
  hour: new GaugeHistory({ stepMs: HISTORY_SPANS.hour.stepMs, steps: 360 }),
  day: new GaugeHistory({ stepMs: HISTORY_SPANS.day.stepMs, steps: 288 }),
});
const depth = (value: number) => new Map([["queue-depth", value]]);
const step = (at: number, span: "hour" | "day") =>
  Math.floor(at / HISTORY_SPANS[span].stepMs) * HISTORY_SPANS[span].stepMs;

test("a server continues the charts of an earlier one, within their span", async () => {
  await using redis = openTestRedis();
  const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
  const before = new GaugeStore(client, keys);
  for (const ago of [26 * 60, 23 * 60, 61, 59, 1]) await before.save(NOW - ago * MINUTE, depth(ago));
  const gauges = histories();
  await new GaugeStore(client, keys).load(NOW, gauges);
  const at = (span: "hour" | "day", ago: number) => gauges[span].at("queue-depth", step(NOW - ago * MINUTE, span));
  expect([at("hour", 61), at("hour", 59), at("hour", 30), at("hour", 1)]).toEqual([undefined, 59, undefined, 1]);
  expect([at("day", 26 * 60), at("day", 23 * 60), at("day", 12 * 60), at("day", 61)]).toEqual([
    undefined,
    23 * 60,
    undefined,
    61,
  ]);
});

test("several servers write each step once, and every key expires", async () => {
  await using redis = openTestRedis();
  const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
  const [one, other] = [new GaugeStore(client, keys), new GaugeStore(client, keys)];
  await one.save(NOW, depth(1));
  await other.save(NOW + 1, depth(2));
  await one.save(NOW + 2, depth(3));
  const found = await client.keys(`${redis.namespace}:*{gauges}:*`);
  expect(found).toHaveLength(2);
  for (const key of found) {
    expect(await client.hvals(key)).toEqual(['{"queue-depth":1}']);
    expect(await client.pttl(key)).toBeGreaterThan(0);
  }
  const hour = Math.ceil((await client.pttl(keys.gauges("hour", Math.floor(NOW / 600_000)))) / MINUTE);
  expect(hour).toBe(70);
});

test("malformed entries are ignored", async () => {
  await using redis = openTestRedis();
  const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
  const key = keys.gauges("hour", Math.floor(NOW / 600_000));
  const at = step(NOW, "hour");
  await client.hset(key, {
    [String(at - 10_000)]: "no json",
    [String(at - 20_000)]: '["x"]',
    [String(at - 30_000)]: '{"workers":"many","queue-depth":4}',
    x: "{}",
    "-5": '{"workers":1}',
    [String(at + 600_000)]: '{"workers":1}',
  });
  const gauges = histories();
  await new GaugeStore(client, keys).load(NOW, gauges);
  expect(gauges.hour.at("queue-depth", at - 30_000)).toBe(4);
  expect(gauges.hour.at("workers", at - 30_000)).toBeUndefined();
  expect(gauges.hour.at("workers", at + 600_000)).toBeUndefined();
});

test("the charts show the samples of an earlier server, and gaps without samples", async () => {
  await using redis = openTestRedis();
  const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
  const now = await readServerTime(client);
  await new GaugeStore(client, keys).save(now - 20 * MINUTE, new Map([["workers", 3]]));
  await using page = await openDashboard({ redisUrl: redis.url, namespace: redis.namespace });
  const { at, lines } = (await page.sendRequest("/api/history?span=hour")).json();
  const { values } = lines.find(({ metric }: { metric: string }) => metric === "workers");
  const seen = at.indexOf(step(now - 20 * MINUTE, "hour"));
  expect(values[seen]).toBe(3);
  expect(values.slice(seen + 1, -3).every((value: number | null) => value === null)).toBe(true);
  expect(values.some((value: number | null) => value === 0)).toBe(true);
});
