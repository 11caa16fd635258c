import { afterEach, beforeEach, expect, test } from "vitest";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const REQUESTS = 120;
const MODEL = "minimax/MiniMax-Text-01";
/** One currency unit per input token, ten per output token. */
const PRICE = { inputPerMillionTokens: 1e6, outputPerMillionTokens: 1e7, currency: "CNY" };
let sandbox: CliSandbox;

beforeEach(async () => {
  sandbox = await CliSandbox.open();
  sandbox.write(
    "sluice.yaml",
    JSON.stringify({
      providers: {
        minimax: {
          models: {
            "MiniMax-Text-01": {
              limits: { requestsPerMinute: 100_000, tokensPerMinute: 100_000_000, concurrency: 4 },
              price: PRICE,
            },
          },
        },
      },
    }),
  );
  const lines = Array.from({ length: REQUESTS }, (_, n) =>
    JSON.stringify({
      custom_id: `q-${n}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: {
        model: "MiniMax-Text-01",
        max_tokens: 100,
        messages: [{ role: "user", content: n % 40 === 3 ? `secret question ${n}` : `question number ${n}` }],
      },
    }),
  );
  sandbox.write("requests.jsonl", `${lines.join("\n")}\n`);
});

afterEach(() => sandbox[Symbol.asyncDispose]());

const batch = (...args: string[]) =>
  sandbox.start(["batch", "requests.jsonl", "--out", "out", "--model", MODEL, "--workers", "1", ...args]);

test("a dry run prints the possible cost of answers, from no output to the output limit", async () => {
  const { code, stdout } = await batch("--dry-run", "--json").exit;
  expect(code).toBe(0);
  const { cost, estimatedTokens } = JSON.parse(stdout);
  expect(cost.currency).toBe("CNY");
  expect(cost.low).toBeCloseTo(estimatedTokens * 0.85, 0);
  expect(cost.expected).toBeCloseTo(estimatedTokens + REQUESTS * 50 * 10, 0);
  expect(cost.high).toBeCloseTo(estimatedTokens * 1.15 + REQUESTS * 100 * 10, 0);
  expect(sandbox.simulator.statistics().calls).toBe(0);
});

test("the cap includes output tokens, and the spend is what the provider reported at its prices", async () => {
  const full = await batch().exit;
  expect(full).toMatchObject({ code: 0 });
  const answers = readJsonl(sandbox.path("out", "output.jsonl")) as {
    response: { body: { usage: { prompt_tokens: number; completion_tokens: number } } };
  }[];
  const costs = answers.map(({ response: { body } }) => body.usage.prompt_tokens + 10 * body.usage.completion_tokens);
  const total = costs.reduce((a, b) => a + b, 0);
  expect(sandbox.manifest("out").cost).toEqual({ amount: total, currency: "CNY" });

  const cap = Math.round(total / 2);
  const capped = batch("--force", "--json", "--max-cost", String(cap));
  expect(await capped.exit).toMatchObject({ code: 2 });
  expect(capped.events().at(-1)).toMatchObject({ event: "run-end", outcome: "stopped" });
  const spent = sandbox.manifest("out").cost?.amount ?? 0;
  expect(spent).toBeLessThanOrEqual(cap);
  // At most three answers below the cap.
  expect(spent).toBeGreaterThan(cap - 3 * Math.max(...costs));
  expect(await batch().exit).toMatchObject({ code: 0 });
  expect(sandbox.manifest("out").cost).toEqual({ amount: total, currency: "CNY" });
});

test("a run of several models shows the cost of each, also if the price of one is unknown", async () => {
  const line = (n: number, model: string) =>
    JSON.stringify({
      custom_id: `m-${n}`,
      method: "POST",
      url: "/v1/chat/completions",
      body: { model, max_tokens: 100, messages: [{ role: "user", content: `question number ${n}` }] },
    });
  const models = ["MiniMax-Text-01", "MiniMax-M1"];
  const lines = Array.from({ length: 10 }, (_, n) => line(n, models[n % 2] ?? ""));
  sandbox.write("requests.jsonl", `${lines.join("\n")}\n`);
  const args = ["batch", "requests.jsonl", "--out", "out", "--model", "minimax", "--workers", "1"];
  const dry = await sandbox.run([...args, "--dry-run"]);
  expect(dry.stdout).toMatch(/^cost +minimax\/MiniMax-Text-01: about \S+ CNY .*\n +minimax\/MiniMax-M1: unknown/m);
  expect(dry.stdout).toMatch(/^time +as fast as the provider answers$/m);

  const { code, stderr } = await sandbox.run(args);
  expect(code).toBe(0);
  const { cost, costs } = sandbox.manifest("out");
  expect(cost).toBeUndefined();
  expect(costs).toMatchObject([
    { model: "minimax/MiniMax-Text-01", cost: { amount: expect.any(Number), currency: "CNY" } },
    { model: "minimax/MiniMax-M1", tokens: expect.any(Number) },
  ]);
  expect(stderr).toMatch(/ CNY, without 1 model\n {2}minimax\/MiniMax-Text-01: \S+ tokens, \S+ CNY\n/);
  expect(stderr).toMatch(/ {2}minimax\/MiniMax-M1: \S+ tokens, price unknown\n/);
});

test("failed requests are retried, and existing answers are kept", async () => {
  sandbox.simulator.configure({ faults: [{ text: "secret", action: { type: "code", code: 1026 } }] });
  expect(await batch().exit).toMatchObject({ code: 1 });
  expect(sandbox.manifest("out")).toMatchObject({ failuresByKind: { "content-filter": 3 } });
  sandbox.simulator.configure({ faults: [] });
  const { calls } = sandbox.simulator.statistics();
  expect(await sandbox.run(["retry", "out", "--workers", "1"])).toMatchObject({ code: 0 });
  expect(sandbox.simulator.statistics().calls - calls).toBe(3);
  const ids = readJsonl(sandbox.path("out", "output.jsonl")).map((line) => line.custom_id);
  expect(ids).toEqual(Array.from({ length: REQUESTS }, (_, n) => `q-${n}`));
});
