import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createKeys } from "#src/redis/keys.ts";
import { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

let redis: TestRedis;
let sandbox: CliSandbox;
let store: ApiKeyStore;

beforeEach(async () => {
  redis = openTestRedis();
  store = new ApiKeyStore(redis.connect(), createKeys(redis.namespace));
  sandbox = await CliSandbox.open({ env: { REDIS_URL: inject("redisUrl"), SLUICE_NAMESPACE: redis.namespace } });
});

afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await redis.cleanup();
});

test("a key is created with its limits, shown once, listed without its secret, and revoked by name", async () => {
  const created = await sandbox.run([
    ...["keys", "create", "ci", "--tenant", "research", "--models", "minimax/embo-01,zhipu/*", "--daily-budget", "0.5"],
    ...["--currency", "CNY", "--requests-per-minute", "600", "--expires", "30d"],
  ]);
  expect([created.code, created.stderr]).toEqual([0, expect.stringContaining("It is shown only now")]);
  expect(created.stderr).toContain("600 requests/min, 0.50 CNY a day");
  const token = created.stdout.trim();
  expect(await store.authenticate(token)).toMatchObject({
    state: "valid",
    key: { name: "ci", tenant: "research", role: "user", models: ["minimax/embo-01", "zhipu/*"], dailyBudget: 0.5 },
  });

  const listed = await sandbox.run(["keys", "list"]);
  expect(listed.stdout).toMatch(/^name +id +tenant/);
  expect(listed.stdout).toContain("ends in 30 d 00 h");
  const json = await sandbox.run(["keys", "list", "--json"]);
  expect(JSON.parse(json.stdout).keys).toMatchObject([{ name: "ci", state: "valid", spent: { today: 0, month: 0 } }]);
  for (const { stdout } of [listed, json]) expect(stdout).not.toContain(token.slice(-43));
  expect(json.stdout).not.toContain("hash");

  const again = await sandbox.run(["keys", "create", "ci"]);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('a valid key has the name "ci"')]);
  expect(await sandbox.run(["keys", "revoke", "ci"])).toMatchObject({ code: 0, stderr: "" });
  expect((await store.authenticate(token))?.state).toBe("revoked");
  expect((await sandbox.run(["keys", "list"])).stdout).toContain("No API keys.");
  expect((await sandbox.run(["keys", "list", "--all"])).stdout).toContain("revoked");
});

test("--json prints the key, and mistakes are reported", async () => {
  const created = JSON.parse((await sandbox.run(["keys", "create", "a", "--role", "admin", "--json"])).stdout);
  expect(created).toMatchObject({ name: "a", tenant: "default", role: "admin", weight: 1, state: "valid" });
  expect((await store.authenticate(created.key))?.key.id).toBe(created.id);
  expect(JSON.parse((await sandbox.run(["keys", "revoke", created.id, "--json"])).stdout)).toEqual({
    ...{ id: created.id, name: "a", state: "revoked" },
  });
  for (const [args, message] of [
    [["revoke", "nobody"], 'no API key has the id or name "nobody"'],
    [["create", "a/b"], '"a/b" cannot be the name of a key'],
    [["create", "b", "--models", "embo-01"], "expected models separated by commas"],
    [["create", "b", "--models", "nobody/*"], '"nobody" is not a known provider'],
    [["create", "b", "--expires", "2001-01-01"], "a date in the future"],
    [["create", "b", "--daily-budget", "0"], "expected an amount of more than 0"],
  ] as const) {
    const { code, stderr } = await sandbox.run(["keys", ...args]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  }
  const priced = await sandbox.run(["keys", "create", "b", "--models", "minimax/embo-01", "--daily-budget", "1"]);
  expect(priced.stderr).toContain("the key cannot use minimax/embo-01, because it");
});

test("an API server on another address than loopback starts only if there is a key", async () => {
  const serve = ["serve", "--host", "0.0.0.0", "--port", "0", "--workers", "0"];
  const { code, stderr } = await sandbox.run(serve);
  expect([code, stderr]).toEqual([2, expect.stringContaining("sluice keys create")]);
  await sandbox.run(["keys", "create", "laptop"]);
  const server = sandbox.start(serve);
  await waitFor(() => server.stdout().includes("API: http"), { what: "the address of the server" });
  const address = /http:\/\/\S+\/v1/.exec(server.stdout())?.[0];
  expect((await fetch(`${address}/models`)).status).toBe(401);
  server.kill("SIGTERM");
  expect((await server.exit).code).toBe(0);
});
