import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createRegistry } from "#src/providers/registry.ts";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { openTestRedis, type TestRedis } from "#test/support/redis/redis.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { waitFor } from "#test/support/wait-for.ts";

const MODEL = "openai/gpt-4o-mini";
/** Of some hundred calls. One call reserves about one percent of it. */
const BUDGET = 0.003;

let redis: TestRedis;
let sandbox: CliSandbox;

beforeEach(async () => {
  redis = openTestRedis();
  sandbox = await CliSandbox.open({ env: { REDIS_URL: inject("redisUrl"), SLUICE_NAMESPACE: redis.namespace } });
});
afterEach(async () => {
  await sandbox[Symbol.asyncDispose]();
  await redis.cleanup();
});

interface Answer {
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

/** Makes one call after the other until the budget of the key is used up; resolves with the answers. */
async function spend(url: string, key: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (;;) {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: MODEL, max_tokens: 50, messages: [{ role: "user", content: "hello" }] }),
    });
    const body: unknown = await response.json();
    if (response.status === 200) answers.push(body as Answer);
    else {
      // A worker may take longer to start than requests wait for it.
      expect(body).toMatchObject({ error: { code: expect.stringMatching(/^(insufficient_quota|no_worker)$/) } });
      if (response.headers.get("x-should-retry") === "false") return answers;
      // Calls in progress hold the rest of the budget.
      await sleep(20);
    }
  }
}

test("64 callers at 4 servers spend the budget of a key to at least 98 % and never exceed it", async () => {
  const env = { OPENAI_API_KEY: SIMULATOR_API_KEY, OPENAI_BASE_URL: sandbox.simulator.openaiUrl };
  const created = await sandbox.run(["keys", "create", "shared", "--monthly-budget", String(BUDGET)]);
  const key = created.stdout.trim();
  const servers = ["1", "0", "0", "0"].map((workers) =>
    sandbox.start(["serve", "--port", "0", "--workers", workers], { env }),
  );
  const urls = await Promise.all(
    servers.map((server) => waitFor(() => /http:\/\/\S+\/v1/.exec(server.stdout())?.[0], { what: "a server" })),
  );
  const callers = urls.flatMap((url) => Array.from({ length: 16 }, () => spend(url, key)));
  const usages = (await Promise.all(callers)).flat().map(({ usage }) => usage);
  const { inputPerMillionTokens: input = 0, outputPerMillionTokens: output = 0 } =
    createRegistry().findModel(MODEL).model.price ?? {};
  const spent =
    usages.reduce((sum, each) => sum + each.prompt_tokens * input + each.completion_tokens * output, 0) / 1e6;
  expect(spent).toBeLessThanOrEqual(BUDGET);
  expect(spent).toBeGreaterThanOrEqual(0.98 * BUDGET);
  const listed = JSON.parse((await sandbox.run(["keys", "list", "--json"])).stdout);
  expect(listed.keys[0].spent.reserved).toBe(0);
  expect(listed.keys[0].spent.month).toBeCloseTo(spent, 8);
});
