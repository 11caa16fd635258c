import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { createTransport, loadConfig, revealAccount } from "#src/toolkit.ts";
import { type CliProcess, type CliResult, CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";
import { waitFor } from "#test/support/wait-for.ts";

const LIBRARY = JSON.stringify(
  fileURLToPath(new URL("../../../src/producer/client/create-client.ts", import.meta.url)),
);
const LIMITS =
  "limits: { requestsPerMinute: 60000, concurrency: 4 }, price: { inputPerMillionTokens: 2, outputPerMillionTokens: 4, currency: USD }";

/** A custom provider, and additional models of a built-in provider. */
const MODELS = [
  { provider: "gateway", chat: "gateway/team/large", embedding: "gateway/vectors" },
  { provider: "openai", chat: "openai/gpt-next", embedding: "openai/text-embedding-next" },
] as const;

let sandbox: CliSandbox;

beforeEach(async () => {
  sandbox = await CliSandbox.open();
  sandbox.write(
    "sluice.yaml",
    `compatible:
  gateway:
    baseUrl: ${sandbox.simulator.openaiUrl}
    apiKeyEnv: GATEWAY_KEY
    models:
      team/large: { kind: chat, maxTokens: 1000, ${LIMITS} }
      vectors: { kind: embedding, maxInputs: 4, ${LIMITS} }
providers:
  openai:
    baseUrl: ${sandbox.simulator.openaiUrl}
    models:
      gpt-next: { ${LIMITS} }
      text-embedding-next: { ${LIMITS} }
`,
  );
});

afterEach(() => sandbox[Symbol.asyncDispose]());

const env = {
  GATEWAY_KEY: SIMULATOR_API_KEY,
  OPENAI_API_KEY: SIMULATOR_API_KEY,
  MINIMAX_API_KEY: undefined,
  MINIMAX_BASE_URL: undefined,
};

function run(...args: string[]): Promise<CliResult> {
  return sandbox.run(args, { env });
}

/** The parsed stdout of a command that must succeed. */
async function runJson(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await run(...args, "--json");
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

async function startWorker(): Promise<CliProcess> {
  const worker = sandbox.start(["worker"], { env });
  await waitFor(() => worker.stderr().includes("takes jobs"), { what: "the worker" });
  return worker;
}

function writeTexts(...texts: string[]): void {
  sandbox.write("texts.jsonl", texts.map((text, n) => `${JSON.stringify({ id: `t-${n}`, text })}\n`).join(""));
}

describe.each(MODELS)("models of $provider that are defined only in sluice.yaml", ({ provider, chat, embedding }) => {
  test("chat answers, and rejects a malformed name", async () => {
    const { code, stdout, stderr } = await run("chat", "one two three", "--model", chat);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("You wrote 3 words");
    expect(await run("chat", "hello", "--model", `${provider}/large 1`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is not a known model"),
    });
  });

  test("ping calls the chat and the embedding model", async () => {
    expect(await runJson("ping", chat)).toMatchObject({ model: chat, ok: true });
    expect(await runJson("ping", embedding)).toMatchObject({ model: embedding, ok: true });
  });

  test("models and providers list them", async () => {
    const lists = [await runJson("models"), await runJson("models", provider)] as { model: string }[][];
    for (const models of lists) {
      const find = (name: string) => models.find(({ model }) => model === name);
      expect(find(chat)).toMatchObject({ kind: "chat", configured: true, missing: [], price: { currency: "USD" } });
      expect(find(embedding)).toMatchObject({ kind: "embedding", limits: { requestsPerMinute: 60000 } });
    }
    expect((await run("models", provider)).stdout).toContain(chat);
    expect(await runJson("providers")).toContainEqual(
      expect.objectContaining({
        provider,
        chatModels: (lists[1] as { kind?: string }[]).filter(({ kind }) => kind === "chat").length,
        accounts: ["default"],
      }),
    );
  });

  test("doctor shows their limits, and set-limit changes them", async () => {
    const [providerName, ...rest] = chat.split("/");
    const finding = {
      area: providerName,
      level: "ok",
      message: expect.stringContaining(`${rest.join("/")} (default)`),
    };
    expect(await runJson("doctor")).toContainEqual(expect.objectContaining(finding));
    expect(await runJson("set-limit", chat, "--concurrency", "3")).toMatchObject({
      lane: chat,
      concurrency: { allowed: 3, set: true },
      requests: { allowed: 60000 },
    });
    expect(await run("set-limit", `${provider}/large 1`, "--concurrency", "3")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is not a lane"),
    });
  });

  test("embed writes vectors, retry repeats failed items, and search finds records", async () => {
    writeTexts("red apples", "broken pears", "blue whales");
    const args = ["embed", "texts.jsonl", "--model", embedding, "--out", "out", "--format", "jsonl", "--with-text"];
    const dryRun = await runJson(...args, "--dry-run");
    expect(dryRun).toMatchObject({ items: 3, limits: { requestsPerMinute: 60000 }, cost: { currency: "USD" } });
    sandbox.simulator.configure({ faults: [{ text: "broken", action: { type: "status", status: 400 } }] });
    const first = await run(...args, "--workers", "1");
    expect({ code: first.code, stderr: first.stderr }).toMatchObject({ code: 1 });
    expect(sandbox.manifest("out").failuresByKind).toEqual({ "invalid-request": 1 });
    sandbox.simulator.configure({ faults: [] });
    expect(await run("retry", "out", "--workers", "1")).toMatchObject({ code: 0 });
    expect(readJsonl(sandbox.path("out", "records.jsonl")).map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
    expect(await runJson("search", "out", "blue whales", "--top", "1")).toMatchObject({ id: "t-2" });
  });

  test("batch answers chat and embedding requests for them", async () => {
    const line = (url: string, body: object) => JSON.stringify({ custom_id: "q-1", method: "POST", url, body });
    const body = { model: chat, messages: [{ role: "user", content: "one two three" }], max_tokens: 50 };
    sandbox.write("chats.jsonl", `${line("/v1/chat/completions", body)}\n`);
    const [, ...modelName] = embedding.split("/");
    const texts = { model: modelName.join("/"), input: "red apples" };
    sandbox.write("texts.jsonl", `${line("/v1/embeddings", texts)}\n`);
    expect(await run("batch", "chats.jsonl", "--out", "chats", "--workers", "1")).toMatchObject({ code: 0 });
    expect(JSON.stringify(readJsonl(sandbox.path("chats", "output.jsonl")))).toContain("You wrote 3 words");
    const embedArgs = ["batch", "texts.jsonl", "--model", provider, "--out", "vectors", "--workers", "1"];
    expect(await run(...embedArgs)).toMatchObject({ code: 0 });
    expect(sandbox.manifest("vectors")).toMatchObject({ model: embedding, items: { succeeded: 1 } });
  });

  test("a worker serves items of the client library", async () => {
    const worker = await startWorker();
    expect(worker.stderr()).toContain(`"${provider}"`);
    sandbox.write(
      "submit.mjs",
      `import { createClient } from ${LIBRARY};
const client = await createClient();
const chat = await client.submitChat({ model: ${JSON.stringify(chat)}, messages: [{ role: "user", content: "one two" }] });
const { vectors } = await client.embed({ model: ${JSON.stringify(embedding)}, inputs: ["red apples"] });
const { status } = await client.result(chat.id);
console.log(JSON.stringify({ event: "answers", status, dimensions: vectors[0].length }));
await client.close();`,
    );
    const submitter = sandbox.start([], { env, entry: sandbox.path("submit.mjs") });
    expect(await submitter.exit).toMatchObject({ code: 0, stderr: "" });
    expect(submitter.events()).toEqual([{ event: "answers", status: "ok", dimensions: 1536 }]);
    worker.kill("SIGTERM");
    await worker.exit;
  });

  test("the registry of sluice/toolkit finds them and calls them", async () => {
    const config = loadConfig({ cwd: sandbox.dir, env: { ...process.env, ...env } });
    const { registry } = config;
    const [account] = config.accounts(provider);
    const found = registry.findModel(embedding, "embedding");
    expect(found).toMatchObject({ provider, model: { kind: "embedding" } });
    expect(registry.listModelNames()).toContain(chat);
    const transport = createTransport({});
    const adapter = registry.createProvider(provider, revealAccount(account as NonNullable<typeof account>), transport);
    const call = { signal: AbortSignal.timeout(30_000) };
    const response = await adapter.embedding?.(found.model.name).embed({ inputs: ["red apples"] }, call);
    expect(response?.dimensions).toBe(1536);
    await adapter.close();
  });
});
