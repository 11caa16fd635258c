import { expect, test } from "vitest";
import { createRequestChecker } from "#src/cli/wiring/request-checker.ts";
import { loadConfig } from "#src/config/config.ts";
import { planBatch } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

const KEYS = {
  SPARK_APP_ID: "a1b2c3d4",
  SPARK_API_KEY: "k",
  SPARK_API_SECRET: "s",
  MINIMAX_API_KEY: "k",
  MINIMAX_GROUP_ID: "1",
  ZHIPU_API_KEY: "id.secret",
};

async function plan(env: NodeJS.ProcessEnv, ...requests: readonly (readonly [model: string, parameters: object])[]) {
  using folder = new SourceFolder();
  const messages = [{ role: "user", content: "hello" }];
  const lines = requests.map(([model, parameters], i) =>
    JSON.stringify({
      ...{ custom_id: `${i}`, method: "POST", url: "/v1/chat/completions" },
      body: { model, messages, ...parameters },
    }),
  );
  folder.write("requests.jsonl", lines.join("\n"));
  const config = loadConfig({ env: { ...env, SLUICE_CONFIG: "/dev/null" }, cwd: folder.path });
  const source = {
    ...{ path: "requests.jsonl", model: undefined, skipInvalid: false, cwd: folder.path },
    ...{ registry: config.registry, checkRequest: createRequestChecker(config) },
  };
  const { adjustments, problems } = await planBatch(source, folder.workDir);
  return { adjustments, problems: problems.map(({ where, message }) => `${where}: ${message}`) };
}

test("parameters that a provider rejects are problems of their lines", async () => {
  const { problems } = await plan(
    KEYS,
    ["minimax/MiniMax-M1", { temperature: 0 }],
    ["minimax/MiniMax-M1", { temperature: 0.5 }],
    ["spark/max", { top_p: 0.5 }],
    ["dashscope/qwen-plus", { max_tokens: 10_000_000 }],
    ["spark/max", { temperature: 0.5 }],
  );
  expect(problems).toEqual([
    "requests.jsonl:1: minimax/MiniMax-M1 would reject this request: temperature of MiniMax-M1 must be a number above 0, up to 1, not 0",
    expect.stringContaining(
      "requests.jsonl:3: spark/max would reject this request: Spark's WebSocket interface does not support top_p",
    ),
    expect.stringMatching(
      /^requests.jsonl:4: dashscope\/qwen-plus would reject this request: max_tokens must be a whole number from 1 to \d+, not 10000000$/,
    ),
  ]);
});

test("a request is checked as the account would send it", async () => {
  const { problems } = await plan({ ...KEYS, SPARK_PROTOCOL: "http" }, ["spark/max", { top_p: 0.5 }]);
  expect(problems).toEqual([]);
});

test("each adjustment is listed once", async () => {
  const { adjustments, problems } = await plan(
    KEYS,
    ["zhipu/glm-4-plus", { temperature: 1 }],
    ["zhipu/glm-4-plus", { temperature: 1.5 }],
    ["zhipu/glm-5", { temperature: 1 }],
    ["spark/max", { max_tokens: 100_000 }],
  );
  expect(problems).toEqual([]);
  expect(adjustments).toEqual([
    "zhipu/glm-4-plus accepts a temperature between 0.01 and 0.99; other values are sent as the nearest bound",
    "spark/max accepts max_tokens of at most 8192; higher values are sent as this limit",
  ]);
});
