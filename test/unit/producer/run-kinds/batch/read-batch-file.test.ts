import { readdirSync } from "node:fs";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { type BatchSource, fingerprintBatch, planBatch } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { SourceFolder } from "#test/support/runs/source-folder.ts";

const chat = (id: string, content = "hello", model = "zhipu/glm-4-plus") => ({
  custom_id: id,
  method: "POST",
  url: "/v1/chat/completions",
  body: { model, messages: [{ role: "user", content }] },
});
const embedding = (id: string, input: string | string[], more: object = {}) => ({
  custom_id: id,
  method: "POST",
  url: "/v1/embeddings",
  body: { model: "minimax/embo-01", input, ...more },
});
const lines = (...requests: unknown[]) =>
  requests.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");

function source(folder: SourceFolder, options: Partial<Omit<BatchSource, "registry">> = {}): BatchSource {
  const registry = createRegistry();
  return { path: "requests.jsonl", model: undefined, registry, skipInvalid: false, cwd: folder.path, ...options };
}

async function planned(folder: SourceFolder, options: Partial<Omit<BatchSource, "registry">> = {}) {
  const plan = await planBatch(source(folder, options), folder.workDir);
  const items: Item[] = [];
  if (plan.isAccepted) for await (const block of readItems(folder.workDir)) items.push(...block);
  return { plan, items, problems: plan.problems.map(({ where, message }) => `${where}: ${message}`) };
}

test("chat requests become an item each, in order, with their request and model", async () => {
  using folder = new SourceFolder();
  folder.write("requests.jsonl", lines(chat("a"), "", chat("b", "你好", "spark/max")));
  const { plan, items } = await planned(folder);
  expect(plan).toMatchObject({
    endpoint: "/v1/chat/completions",
    models: ["zhipu/glm-4-plus", "spark/max"],
    items: 2,
    documents: 2,
    problems: [],
  });
  expect(items.map(({ index, id, metadata }) => ({ index, id, metadata }))).toEqual([
    { index: 0, id: "a", metadata: { model: "zhipu/glm-4-plus" } },
    { index: 1, id: "b", metadata: { model: "spark/max" } },
  ]);
  expect(JSON.parse(items[1]?.text ?? "")).toEqual({ messages: [{ role: "user", content: "你好" }] });
});

test("each text of an embedding request is an item of its own", async () => {
  using folder = new SourceFolder();
  folder.write(
    "requests.jsonl",
    lines(embedding("a", ["one", "two"]), embedding("b", "three", { encoding_format: "base64" })),
  );
  const { plan, items } = await planned(folder);
  expect(plan).toMatchObject({ items: 3, documents: 2, dimensions: 1536, askedDimensions: undefined });
  expect(items.map(({ text, metadata }) => [text, metadata])).toEqual([
    ["one", { part: 0, parts: 2, encoding: "float" }],
    ["two", { part: 1, parts: 2, encoding: "float" }],
    ["three", { part: 0, parts: 1, encoding: "base64" }],
  ]);
});

test("an unpaired surrogate anywhere in a request is a problem of its line", async () => {
  using folder = new SourceFolder();
  const [bad = "", good = ""] = ["a", "b"].map((id) => JSON.stringify(chat(id, `hello${id}`)));
  folder.write("requests.jsonl", lines(bad.replace("helloa", "\\ud83d"), good.replace("hellob", "\\ud83d\\ude00")));
  const { items, problems } = await planned(folder, { skipInvalid: true });
  expect(problems).toEqual(["requests.jsonl:1: contains an unpaired surrogate (invalid Unicode)"]);
  expect(items.map(({ id }) => id)).toEqual(["b"]);
});

test("every problem of a file is named by line, and nothing is kept", async () => {
  using folder = new SourceFolder();
  folder.write(
    "requests.jsonl",
    lines(chat("a"), "{not json", chat("a"), embedding("e", "x"), chat("b", "x", "zhippu/glm-4"), "[]"),
  );
  const { plan, problems } = await planned(folder);
  expect(problems).toEqual([
    "requests.jsonl:2: not valid JSON (column 2)",
    'requests.jsonl:3: the id "a" is already used by requests.jsonl:1; every item needs its own',
    'requests.jsonl:4: "url" is /v1/embeddings, but that of line 1 is /v1/chat/completions: all requests of a file must have the same url',
    expect.stringContaining('requests.jsonl:5: "zhippu/glm-4" is not a known model'),
    "requests.jsonl:6: expected an object with custom_id, method, url and body, got a list",
  ]);
  expect(plan.isAccepted).toBe(false);
  expect(readdirSync(folder.workDir)).toEqual([]);
});

test("what is bad is left out when asked, and a request goes as a whole", async () => {
  using folder = new SourceFolder();
  const long = "word ".repeat(6_000);
  folder.write(
    "requests.jsonl",
    lines(
      embedding("a", ["one", "two"]),
      embedding("a", ["x", "y"]),
      embedding("b", ["ok", long]),
      embedding("c", "last"),
    ),
  );
  const { plan, items, problems } = await planned(folder, { skipInvalid: true });
  expect(items.map(({ text }) => text)).toEqual(["one", "two", "last"]);
  expect(plan).toMatchObject({ items: 3, documents: 2, problemCount: 2 });
  expect(problems[1]).toMatch(
    /^requests.jsonl:3: input 1 has about \d+ tokens, but minimax\/embo-01 accepts at most 4096$/,
  );
});

test.each([
  ["of another model", { model: "zhipu/embedding-3" }, "all embeddings of a file must use the same model"],
  ["of another length", { dimensions: 1536 }, "all embeddings of a file must have the same dimensions"],
])("an embedding %s than the first is refused", async (_, body, message) => {
  using folder = new SourceFolder();
  folder.write("requests.jsonl", lines(embedding("a", "x"), embedding("b", "y", body)));
  const { problems } = await planned(folder);
  expect(problems).toEqual([expect.stringContaining(message)]);
});

test("a length that the model does not have is refused before anything is sent", async () => {
  using folder = new SourceFolder();
  folder.write("requests.jsonl", lines(embedding("a", "x", { dimensions: 7 })));
  expect((await planned(folder)).problems).toEqual([
    'requests.jsonl:1: "dimensions" is 7, but minimax/embo-01 has 1536',
  ]);
});

test("a limit counts requests and tears none apart", async () => {
  using folder = new SourceFolder();
  folder.write(
    "requests.jsonl",
    lines(embedding("a", ["1", "2", "3"]), embedding("b", ["4", "5"]), embedding("c", "6")),
  );
  const { items } = await planned(folder, { limit: 2 });
  expect(items.map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5"]);
});

test("standard input is read as well", async () => {
  using folder = new SourceFolder();
  const stdin = Readable.from([Buffer.from(lines(chat("a"), chat("b")))]);
  expect((await planned(folder, { path: "-", stdin })).items).toHaveLength(2);
});

test.each([
  ["a missing file", "nowhere.jsonl", "nowhere.jsonl: no such file or folder"],
  ["an empty file", "empty.jsonl", "empty.jsonl: contains no items"],
  ["a binary file", "binary.jsonl", expect.stringContaining("binary.jsonl: looks binary")],
])("%s is named", async (_, path, problem) => {
  using folder = new SourceFolder();
  folder.write("empty.jsonl", "\n\n");
  folder.write("binary.jsonl", new Uint8Array([0x7b, 0, 1, 2]));
  expect((await planned(folder, { path })).problems).toEqual([problem]);
});

test("the fingerprint tells another file and other options", async () => {
  using folder = new SourceFolder();
  folder.write("requests.jsonl", lines(chat("a")));
  const { plan } = await planned(folder);
  expect(await fingerprintBatch(source(folder))).toBe(plan.fingerprint);
  for (const other of [{ model: "spark/max" }, { limit: 1 }, { skipInvalid: true }])
    expect(await fingerprintBatch(source(folder, other))).not.toBe(plan.fingerprint);
  folder.write("requests.jsonl", lines(chat("a"), chat("b")));
  expect(await fingerprintBatch(source(folder))).not.toBe(plan.fingerprint);
});

test("further fields of embedding requests are kept if the provider has them, and are the same in all lines", async () => {
  using folder = new SourceFolder();
  const vllm = (id: string, more: object) => embedding(id, id, { model: "vllm/e", ...more });
  folder.write(
    "requests.jsonl",
    lines(
      vllm("a", { truncate_prompt_tokens: 512 }),
      vllm("b", { truncate_prompt_tokens: 256 }),
      vllm("c", { truncate_prompt_tokens: 512, input_type: "query" }),
      embedding("d", "x", { task: "retrieval" }),
    ),
  );
  const { plan, problems } = await planned(folder, { skipInvalid: true });
  expect(plan.embeddingOptions).toEqual({ truncate_prompt_tokens: 512 });
  expect(problems).toEqual([
    'requests.jsonl:2: the fields other than "input" differ from those of line 1: all embeddings of a file must have the same',
    expect.stringContaining("requests.jsonl:3: "),
    expect.stringContaining("requests.jsonl:4: "),
  ]);
});

test("fields that a provider does not have are problems", async () => {
  using folder = new SourceFolder();
  folder.write("requests.jsonl", lines(embedding("d", "x", { task: "retrieval", truncate: "END" })));
  const { problems } = await planned(folder);
  expect(problems).toEqual([
    'requests.jsonl:1: "task" is not supported by minimax/embo-01; "truncate" is not supported by minimax/embo-01',
  ]);
});
