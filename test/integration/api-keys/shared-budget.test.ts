import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import { KeyUsage } from "#src/state/api-keys/key-usage.ts";
import { createTestKey } from "#test/support/api-keys/create-test-key.ts";
import { openTestRedis } from "#test/support/redis/redis.ts";

const PROCESS = fileURLToPath(new URL("../../support/api-keys/spending-process.ts", import.meta.url));

/** Starts a process with 16 callers; `spend` lets it begin, and resolves with what its calls cost. */
async function startProcess(args: readonly string[]) {
  const child = spawn(process.execPath, [PROCESS, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const [ready] = await once(child.stdout, "data");
  expect(String(ready)).toBe("ready\n");
  return async () => {
    child.stdin.end();
    return JSON.parse(await text(child.stdout)) as { cost: number; calls: number; refused: number };
  };
}

test("64 callers on 4 server processes spend a budget to at least 98 % and never exceed it", async () => {
  await using redis = openTestRedis();
  const key = createTestKey({ monthlyBudget: 30 });
  const args = (seed: number) => [redis.url, redis.namespace, JSON.stringify(key), "16", String(seed)];
  const processes = await Promise.all([1, 2, 3, 4].map((seed) => startProcess(args(seed))));
  const totals = await Promise.all(processes.map((spend) => spend()));
  const spent = totals.reduce((sum, { cost }) => sum + cost, 0);
  expect(spent).toBeLessThanOrEqual(30);
  expect(spent).toBeGreaterThanOrEqual(0.98 * 30);
  // Every caller of every process was refused in the end.
  for (const { refused } of totals) expect(refused).toBeGreaterThanOrEqual(16);
  const { spending } = await new KeyUsage(redis.connect(), createKeys(redis.namespace)).readUse(key);
  expect(spending.month).toBeCloseTo(spent, 6);
  expect(spending.reserved).toBe(0);
});
