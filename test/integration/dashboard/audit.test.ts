import { expect, test } from "vitest";
import { Audit } from "#src/dashboard/audit/audit.ts";
import { createKeys } from "#src/redis/keys.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

const DAY = 24 * 3600_000;
const ada = { userName: "ada", role: "operator" } as const;

test("entries older than 90 days are not shown, and are trimmed with the next action", async () => {
  await using redis = openTestRedis();
  const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
  const audit = new Audit(client, keys);
  const [now] = (await client.time()).map(Number);
  const at = (days: number) => `${(now ?? 0) * 1_000 - days * DAY}-0`;
  const act = (action: string) => ["who", "bob", "role", "viewer", "action", action];
  await client.xadd(keys.audit, at(91), ...act("ancient"));
  await client.xadd(keys.audit, at(89), ...act("old"));
  const shown = async () => (await audit.read(50)).lines.map(({ action }) => action);
  expect(await shown()).toEqual(["old"]);
  expect(await client.xlen(keys.audit)).toBe(2);
  await audit.record(ada, { action: "pause", target: "run" });
  expect(await client.xlen(keys.audit)).toBe(2);
  expect(await shown()).toEqual(["pause", "old"]);
});

test("the last entry expires by itself after 90 days", async () => {
  await using redis = openTestRedis();
  const [client, keys] = [redis.connect(), createKeys(redis.namespace)];
  await new Audit(client, keys).record(ada, { action: "pause" });
  const left = await client.pttl(keys.audit);
  expect(left).toBeGreaterThan(89 * DAY);
  expect(left).toBeLessThanOrEqual(90 * DAY);
});
