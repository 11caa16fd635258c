import { afterAll, beforeAll, expect, test } from "vitest";
import "#test/support/redis/global-redis.ts";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { SIMULATOR_API_KEY, SIMULATOR_ZHIPU_KEY } from "#src/simulator/simulator.ts";
import { SIMULATED_SPARK } from "#src/simulator/spark/spark.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const ITEMS = 300;
let sandbox: CliSandbox;

beforeAll(async () => {
  sandbox = await CliSandbox.open({ latency: { fixedMs: 5 } });
  const lines = Array.from({ length: ITEMS }, (_, n) => JSON.stringify({ id: `c-${n}`, text: buildCorpusText(n) }));
  sandbox.write("corpus.jsonl", `${lines.join("\n")}\n`);
});

afterAll(() => sandbox[Symbol.asyncDispose]());

function environment(): Record<string, string> {
  const { zhipuUrl, openaiUrl, geminiUrl, spark } = sandbox.simulator;
  return {
    ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY,
    ZHIPU_BASE_URL: zhipuUrl,
    ZHIPU_AUTH: "jwt",
    SPARK_APP_ID: SIMULATED_SPARK.appId,
    SPARK_API_KEY: SIMULATOR_API_KEY,
    SPARK_API_SECRET: SIMULATED_SPARK.apiSecret,
    SPARK_BASE_URL: spark.url,
    SPARK_EMBEDDING_BASE_URL: spark.embeddingUrl,
    GEMINI_API_KEY: SIMULATOR_API_KEY,
    GEMINI_BASE_URL: geminiUrl,
    OPENAI_API_KEY: SIMULATOR_API_KEY,
    OPENAI_BASE_URL: openaiUrl,
    VLLM_BASE_URL: openaiUrl,
    VLLM_API_KEY: SIMULATOR_API_KEY,
  };
}

test.each([
  ["zhipu/embedding-3", 2048, 64],
  ["zhipu/embedding-2", 1024, 64],
  ["gemini/gemini-embedding-001", 3072, 100],
  ["spark/embedding", 2560, 1],
  ["spark/embedding-v2", 2560, 1],
  ["openai/text-embedding-3-small", 1536, 2048],
  // Not in the model list, so its dimensions are those of the first response.
  ["vllm/own/embedder", 1536, 1024],
])("a corpus is embedded by %s completely, in order, and in full calls", async (model, length, maxInputs) => {
  sandbox.simulator.resetStatistics();
  const out = model.replaceAll("/", "_");
  const { code, stderr } = await sandbox.run(
    ["embed", "corpus.jsonl", "--model", model, "--out", out, "--format", "jsonl", "--with-text", "--workers", "1"],
    { env: environment() },
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const records = readJsonl(sandbox.path(out, "records.jsonl"));
  expect(records.map(({ id }) => id)).toEqual(Array.from({ length: ITEMS }, (_, n) => `c-${n}`));
  for (const [n, { status, vector }] of records.entries()) {
    expect(status).toBe("ok");
    expect(Float32Array.from(vector as number[])).toEqual(toFloats(embedText(buildCorpusText(n), length)));
  }
  const { calls, texts, refused } = sandbox.simulator.statistics();
  expect({ texts, refused }).toEqual({ texts: ITEMS, refused: 0 });
  expect(calls).toBeLessThanOrEqual(Math.ceil(ITEMS / maxInputs) + 1);
  expect(sandbox.manifest(out)).toMatchObject({
    state: "finished",
    items: { total: ITEMS, succeeded: ITEMS, failed: 0, missing: 0 },
    calls: { made: calls, paidTwice: 0 },
  });
});

test("--dimensions asks for shorter vectors, which a search can use, and is checked before the run", async () => {
  const env = environment();
  const command = [
    "embed",
    "corpus.jsonl",
    "--model",
    "openai/text-embedding-3-small",
    "--out",
    "short",
    "--limit",
    "3",
  ];
  const refused = await sandbox.run([...command, "--dimensions", "1537"], { env });
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("has at most 1536 dimensions, not 1537") });
  const { code, stderr } = await sandbox.run([...command, "--dimensions", "64", "--workers", "1"], { env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const found = await sandbox.run(["search", "short", buildCorpusText(1), "--top", "1", "--json"], { env });
  expect(JSON.parse(found.stdout)).toMatchObject({ id: "c-1" });
  const changed = await sandbox.run([...command, "--dimensions", "32"], { env });
  expect(changed.stderr).toContain("--dimensions 64");
});

test("if chunks are too long for the model, the summary suggests a size that works", async () => {
  // The estimate is one token per word, and the simulator counts one per four letters.
  sandbox.write(
    "words.txt",
    "another brought country evening forward general himself instead journey kitchen ".repeat(150),
  );
  const run = (out: string, tokens: string) => {
    const args = ["words.txt", "--out", out, "--chunk-tokens", tokens, "--chunk-overlap", "0", "--no-canaries"];
    const options = ["--model", "zhipu/embedding-2", "--workers", "1"];
    return sandbox.run(["embed", ...args, ...options], { env: environment() });
  };
  const first = await run("long", "512");
  expect(first.code).toBe(1);
  const [, suggested = ""] =
    /items are too long for the model; --chunk-tokens (\d+) in a new run/.exec(first.stderr) ?? [];
  expect(sandbox.manifest("long")).toMatchObject({ suggestedChunkTokens: Number(suggested) });
  expect(await run("split", suggested)).toMatchObject({ code: 0 });
});
