import { expect, test } from "vitest";
import { SIMULATOR_API_KEY } from "#src/simulator/simulator.ts";
import { CliSandbox, type CliSandboxOptions, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const KEYS = Object.fromEntries(
  ["COHERE", "JINA", "VLLM", "TEXT_EMBEDDINGS_INFERENCE"].map((name) => [`${name}_API_KEY`, SIMULATOR_API_KEY]),
);

async function openSandbox(options: CliSandboxOptions = {}) {
  const sandbox = await CliSandbox.open(options);
  const { cohereUrl, jinaUrl, openaiUrl } = sandbox.simulator;
  const env = {
    ...KEYS,
    COHERE_BASE_URL: cohereUrl,
    JINA_BASE_URL: jinaUrl,
    VLLM_BASE_URL: openaiUrl,
    TEXT_EMBEDDINGS_INFERENCE_BASE_URL: openaiUrl,
  };
  const rerank = (...args: string[]) => sandbox.start(["rerank", ...args], { env });
  return { sandbox, env, rerank, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
}

const jsonl = (lines: readonly unknown[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join("");
const QUERIES = [
  { id: "birds", query: "birds in spring", documents: ["Rain.", { id: "b", text: "Spring birds sing in spring." }] },
  { id: 7, query: "rain", documents: ["Rain and rain.", "Stones."] },
];

interface RankedLine {
  readonly id: string;
  readonly results: readonly { readonly index: number; readonly id?: string; readonly score: number }[];
  readonly calls: readonly Record<string, unknown>[];
}
const readRanked = (path: string) => readJsonl(path) as unknown as readonly RankedLine[];

test.each([
  "cohere/rerank-v3.5",
  "jina/jina-reranker-v3",
  "vllm/BAAI/bge-reranker-v2-m3",
  "text-embeddings-inference/r",
])("%s: ranks the documents of every query", async (model) => {
  await using opened = await openSandbox();
  const { sandbox, rerank, env } = opened;
  sandbox.write("q.jsonl", jsonl(QUERIES));
  const { code, stderr } = await rerank("q.jsonl", "--model", model, "--out", "out").exit;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const [first, second] = readRanked(sandbox.path("out", "output.jsonl"));
  expect(first?.id).toBe("birds");
  expect(first?.results.map(({ index, id }) => [index, id])).toEqual([
    [1, "b"],
    [0, undefined],
  ]);
  expect(second?.id).toBe("7");
  expect(second?.results.map(({ index }) => index)).toEqual([0, 1]);
  expect(sandbox.manifest("out")).toMatchObject({ kind: "rerank", items: { total: 2, succeeded: 2 } });
  expect((await sandbox.run(["verify", "out"], { env })).code).toBe(0);
  expect(await sandbox.run(["ping", model, "--json"], { env })).toMatchObject({ code: 0 });
});

test("documents are records with other fields and delimiters", async () => {
  await using opened = await openSandbox();
  const { sandbox, rerank } = opened;
  sandbox.write("docs.csv", "key;body\na;stones\nb;'spring; birds'\n");
  sandbox.write("q.jsonl", jsonl([{ id: "q", query: "spring birds" }]));
  const args = ["q.jsonl", "--documents", "docs.csv", "--model", "cohere/rerank-v3.5", "--out", "out"];
  const fields = ["--id-field", "key", "--text-field", "body", "--delimiter", ";", "--quote", "'"];
  expect(await rerank(...args, ...fields).exit).toMatchObject({ code: 0 });
  const [line] = readRanked(sandbox.path("out", "output.jsonl"));
  expect(line?.results.map(({ id }) => id)).toEqual(["b", "a"]);
});

test("a folder of documents is ranked in groups that a call takes, and --top keeps the best of all", async () => {
  await using opened = await openSandbox();
  const { sandbox, rerank } = opened;
  for (let n = 0; n < 70; n++) sandbox.write(`docs/${String(n).padStart(2, "0")}.txt`, `stone ${n}`);
  sandbox.write("docs/33.txt", "spring birds");
  sandbox.write("q.jsonl", jsonl([{ id: "a", query: "spring birds" }, { query: "stone 5" }]));
  const args = [
    "q.jsonl",
    "--documents",
    "docs",
    "--model",
    "text-embeddings-inference/r",
    "--out",
    "out",
    "--top",
    "3",
  ];
  expect((await rerank(...args).exit).code).toBe(0);
  const lines = readRanked(sandbox.path("out", "output.jsonl"));
  expect(lines.map(({ id }) => id)).toEqual(["a", "2"]);
  expect(lines[0]?.results[0]).toMatchObject({ index: 33, id: "33.txt" });
  expect(lines.map(({ results, calls }) => [results.length, calls.length])).toEqual([
    [3, 3],
    [3, 3],
  ]);
  expect(sandbox.simulator.statistics().calls).toBe(6);
  expect((await rerank(...args).exit).code).toBe(0);
  expect(sandbox.simulator.statistics().calls).toBe(6);
});

test("a dry run counts search units and their cost, and a cap needs a price and is not exceeded", async () => {
  await using opened = await openSandbox();
  const { sandbox, rerank } = opened;
  const documents = Array.from({ length: 150 }, (_, n) => `document ${n}`);
  sandbox.write(
    "q.jsonl",
    jsonl(Array.from({ length: 30 }, (_, n) => ({ id: `q${n}`, query: `question ${n}`, documents }))),
  );
  const args = ["q.jsonl", "--model", "cohere/rerank-v3.5", "--out", "out"];
  expect(await rerank(...args, "--max-cost", "0.02").exit).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/price/),
  });
  const price = "{ inputPerMillionTokens: 2000, currency: USD }";
  sandbox.write("sluice.yaml", `providers: { cohere: { models: { rerank-v3.5: { price: ${price} } } } }\n`);
  const dry = await rerank(...args, "--dry-run", "--json").exit;
  expect(JSON.parse(dry.stdout)).toMatchObject({ estimatedTokens: 60, calls: 30, cost: { expected: 0.12 } });
  expect((await rerank(...args, "--max-cost", "0.02").exit).code).toBe(2);
  expect(sandbox.manifest("out").cost?.amount).toBeLessThanOrEqual(0.02);
  expect((await rerank(...args).exit).code).toBe(0);
  expect(sandbox.manifest("out")).toMatchObject({
    tokens: 60,
    cost: { amount: expect.closeTo(0.12), currency: "USD" },
  });
});

test("invalid lines are reported by file and line, and failed queries can be retried", async () => {
  await using opened = await openSandbox();
  const { sandbox, rerank, env } = opened;
  sandbox.write(
    "bad.jsonl",
    jsonl([
      { id: "a", query: "" },
      { id: "b", query: "x" },
      { query: "x", documents: [" "] },
    ]),
  );
  const bad = await rerank("bad.jsonl", "--model", "cohere/rerank-v3.5", "--out", "bad").exit;
  expect(bad.code).toBe(2);
  expect(bad.stderr).toMatch(/bad\.jsonl:1.*"query" is empty/);
  expect(bad.stderr).toMatch(/bad\.jsonl:2.*"documents" is missing/);
  expect(bad.stderr).toContain("bad.jsonl:3");

  sandbox.write("q.jsonl", jsonl(QUERIES));
  sandbox.simulator.configure({
    faults: [{ text: "Spring birds", action: { type: "status", status: 422, body: '{"message":"no"}' } }],
  });
  expect((await rerank("q.jsonl", "--model", "cohere/rerank-v3.5", "--out", "out").exit).code).toBe(1);
  expect(readJsonl(sandbox.path("out", "errors.jsonl"))).toMatchObject([{ id: "birds", kind: "invalid-request" }]);
  sandbox.simulator.configure({ faults: [] });
  expect((await sandbox.run(["retry", "out"], { env })).code).toBe(0);
  expect(readRanked(sandbox.path("out", "output.jsonl")).map(({ id }) => id)).toEqual(["birds", "7"]);
  expect((await sandbox.run(["verify", "out"], { env })).code).toBe(0);
});

test("after kill -9 of the command and a worker, the rerun has every query once", async () => {
  await using opened = await openSandbox();
  const { sandbox, rerank } = opened;
  const long = "spring rain ".repeat(200);
  const documents = Array.from({ length: 40 }, (_, n) => `${long} ${n}`);
  const queries = Array.from({ length: 200 }, (_, n) => ({ id: `q${n}`, query: `question ${n}`, documents }));
  sandbox.write("q.jsonl", jsonl(queries));
  const args = [
    "q.jsonl",
    "--model",
    "cohere/rerank-v3.5",
    "--out",
    "out",
    "--workers",
    "2",
    "--window",
    "20",
    "--json",
  ];
  const release = sandbox.simulator.hold(40);
  const first = rerank(...args);
  await first.event(hasProgressedTo(0.1), "a tenth of the queries");
  const [worker] = first.workers();
  if (!worker) throw new Error("the command has no worker");
  process.kill(worker.pid, "SIGKILL");
  await first.event(({ event }) => event === "worker-lost", "the loss of a worker");
  first.kill("SIGKILL");
  await first.exit;
  release();
  const { code, stderr } = await rerank(...args).exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = readRanked(sandbox.path("out", "output.jsonl"));
  expect(lines.map(({ id }) => id)).toEqual(queries.map(({ id }) => id));
  expect(lines.every(({ results }) => results.length === documents.length)).toBe(true);
  await sandbox.waitUntilNoProcesses();
});
