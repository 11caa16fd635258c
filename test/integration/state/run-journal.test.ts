import { expect, test } from "vitest";
import { FailureCauseCounter } from "#src/core/failures/failure-cause-counter.ts";
import { createKeys } from "#src/redis/keys.ts";
import { JOURNAL_LENGTH, publishFailureCauses, readFailureCauses, readJournal } from "#src/state/runs/run-journal.ts";
import { TelemetryWriter } from "#src/state/telemetry/telemetry-writer.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

const attempt = (item: number, message = "down") =>
  ({ items: [item], attempt: 1, kind: "server", message, durationMs: 5, worker: "w" }) as const;

test("a journal keeps the newest attempts, up to its limit", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const writer = new TelemetryWriter(client, keys, { everyMs: 0 });
  for (let i = 0; i < JOURNAL_LENGTH + 2_000; i++) {
    writer.record("long", attempt(i));
    if (i % 200 === 199) await writer.flush();
  }
  await writer.flush();
  const length = await client.xlen(keys.run("long").journal);
  // Redis trims complete nodes of the stream, of 100 entries each.
  expect(length).toBeLessThanOrEqual(JOURNAL_LENGTH + 100);
  expect(length).toBeGreaterThanOrEqual(JOURNAL_LENGTH);
  expect(await readJournal(client, keys, "long", 0)).toEqual([]);
  expect(await readJournal(client, keys, "long", 2_500)).toHaveLength(1);
  expect((await readJournal(client, keys, "long", undefined, 3)).map(({ items }) => items)).toEqual([
    [11_997],
    [11_998],
    [11_999],
  ]);
});

test("a flood of failures is recorded partly, and the others are counted", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const writer = new TelemetryWriter(client, keys, { everyMs: 0 });
  for (let i = 0; i < 1_000; i++) writer.record("flood", attempt(i));
  await writer.flush();
  const recorded = await readJournal(client, keys, "flood", undefined, 1_000);
  expect(recorded.length).toBe(200);
  expect(recorded.at(-1)?.unrecorded).toBe(800);
});

test("hostile messages are read unchanged, truncated to 300 characters", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const writer = new TelemetryWriter(client, keys, { everyMs: 0 });
  const message = `<script>alert(1)</script>\r\n\u0000"'${"x".repeat(1_000)}`;
  writer.record("a:{b}c", { ...attempt(1, message), code: "c".repeat(500) });
  await writer.flush();
  const [entry] = await readJournal(client, keys, "a:{b}c", 1);
  expect(entry?.message).toBe(message.slice(0, 300));
  expect(entry?.code).toHaveLength(64);
});

test("an attempt has its lane and start, unless an older worker recorded it", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const writer = new TelemetryWriter(client, keys, { everyMs: 0 });
  writer.record("r", { ...attempt(1), lane: "minimax:b/embo-01", startedAt: 1_700_000_000_123 });
  writer.record("r", attempt(1));
  await writer.flush();
  const [entry, older] = await readJournal(client, keys, "r", 1);
  expect(entry).toMatchObject({ lane: "minimax:b/embo-01", startedAt: 1_700_000_000_123 });
  expect(older).not.toHaveProperty("lane");
  expect(older).not.toHaveProperty("startedAt");
});

test("causes are published in parts and read together, the most frequent first", async () => {
  await using redis = openTestRedis();
  const client = redis.connect();
  const keys = createKeys(redis.namespace);
  const causes = new FailureCauseCounter();
  await client.hset(keys.run("r").causes, "stale", "{}");
  causes.add(1, { kind: "server", message: "one" });
  await publishFailureCauses(client, keys, "r", causes.drainChanged(), { replaceAll: true });
  causes.add(2, { kind: "timeout", message: "two" });
  causes.add(3, { kind: "timeout", message: "two" });
  await publishFailureCauses(client, keys, "r", causes.drainChanged());
  expect(await readFailureCauses(client, keys, "r")).toEqual(causes.list());
  expect(await client.pttl(keys.run("r").causes)).toBeGreaterThan(0);
  expect(await readFailureCauses(client, keys, "unknown")).toEqual([]);
});
