import { beforeEach, expect, test } from "vitest";
import { openRedis } from "#src/redis/connection.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { readServerTime } from "#src/redis/server-time.ts";
import { parseRedisUrl } from "#src/redis/url.ts";
import { readStatus, registerItem } from "#src/state/items/item-store.ts";
import { readPartials } from "#src/state/items/partials.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { publishFailureCauses, readFailureCauses, readJournal } from "#src/state/runs/run-journal.ts";
import { listRuns } from "#src/state/runs/run-list.ts";
import { TELEMETRY_STEPS } from "#src/state/telemetry/telemetry.ts";
import { readLaneSeries } from "#src/state/telemetry/telemetry-reader.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

const CAUSE = {
  cause: "0123456789ab",
  kind: "server",
  pattern: "down",
  count: 2,
  example: { item: 1, message: "down" },
};

let client: RedisClient;
let keys: Keys;
let reported: string[];

beforeEach(async () => {
  const redis = openTestRedis();
  reported = [];
  const source = openRedis(parseRedisUrl(redis.url), {
    onEvent: (event) => {
      if (event.kind === "malformed") reported.push(event.place);
    },
  });
  client = source.connect("commands");
  keys = createKeys(redis.namespace);
  return async () => {
    await source.close();
    await redis[Symbol.asyncDispose]();
  };
});

test("a malformed failure cause is skipped and reported once", async () => {
  const key = keys.run("r").causes;
  await publishFailureCauses(client, keys, "r", [CAUSE]);
  await client.hset(key, { bad: "{", other: '{"cause":"other"}' });
  expect(await readFailureCauses(client, keys, "r")).toEqual([CAUSE]);
  expect(await readFailureCauses(client, keys, "r")).toEqual([CAUSE]);
  expect(reported.sort()).toEqual([`${key} bad`, `${key} other`]);
});

test("a malformed journal entry is skipped and reported", async () => {
  const key = keys.run("r").journal;
  const entry = ["i", "3", "n", "1", "k", "server", "m", "down", "d", "5", "w", "w1"];
  await client.xadd(key, "1-1", ...entry);
  await client.xadd(key, "1-2", ...entry.map((text) => (text === "server" ? "unheard-of" : text)));
  await client.xadd(key, "1-3", "x", "y");
  expect((await readJournal(client, keys, "r", undefined)).map(({ id }) => id)).toEqual(["1-1"]);
  expect(reported).toEqual([`${key} 1-3`, `${key} 1-2`]);
});

test("malformed jobs, items and partials are skipped and reported", async () => {
  const { jobs, meta } = keys.run("r");
  await client.hset(jobs, { good: "4,7,1", bad: "4,x,1", short: "4" });
  expect(await new RunControl(client, keys, "r").outstandingJobs()).toEqual([
    { id: "good", first: 4, last: 7, generation: 1 },
  ]);
  await client.hset(meta, { items: "many", state: "running" });
  await client.zadd(keys.runs, 5, "r");
  expect(await listRuns(client, keys)).toMatchObject([{ run: "r", createdAt: 5, items: undefined }]);

  const item = { kind: "chat", model: "fake/m", total: 1, submittedAt: 7, metadata: { a: 1 } } as const;
  const { state, partials } = keys.item("i");
  await registerItem(client, keys, "i", item, 60_000);
  await client.hset(state, "metadata", "{");
  expect(await readStatus(client, keys, "i")).toMatchObject({ state: "queued", metadata: undefined, submittedAt: 7 });
  await client.hset(state, "state", "unheard-of");
  expect(await readStatus(client, keys, "i")).toBeUndefined();

  await client.xadd(partials, "1-1", "t", "text", "a", "1", "d", "x");
  await client.xadd(partials, "1-2", "t", "unheard-of", "a", "1", "d", "x");
  await client.xadd(partials, "1-3", "t", "end", "d", "{");
  expect(await readPartials(client, keys.item("i"), "0-0")).toEqual([
    { id: "1-1", type: "text", attempt: 1, delta: "x" },
  ]);
  expect(reported).toEqual([
    ...[`${jobs} bad`, `${jobs} short`, `${state} metadata`, `${state} state`],
    ...[`${partials} 1-2`, `${partials} 1-3`],
  ]);
});

test("a step of another type leaves the other steps of the series readable", async () => {
  const { stepMs } = TELEMETRY_STEPS.fine;
  const slot = Math.floor((await readServerTime(client)) / stepMs);
  const laneKeys = keys.telemetry("fake/m");
  await client.set(laneKeys.step("fine", slot - 1), "text");
  await client.hset(laneKeys.step("fine", slot), { c: 3, "e:server": "x", ti: "many" });
  const series = await readLaneSeries(client, keys, "fake/m", "fine", {
    from: (slot - 1) * stepMs,
    to: slot * stepMs,
  });
  expect(series).toMatchObject([{ calls: 0 }, { calls: 3, errors: { server: 0 }, tokens: { input: 0 } }]);
  expect(reported).toEqual([laneKeys.step("fine", slot - 1)]);
});
