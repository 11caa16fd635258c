import { describe, expect, test } from "vitest";
import { BatchRequestReader } from "#src/producer/openai-batch/batch-request.ts";
import { createRegistry } from "#src/providers/registry.ts";

const CHAT = {
  custom_id: "q-1",
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "zhipu/glm-4-plus", messages: [{ role: "user", content: "secret words" }] },
};
const EMBEDDING = {
  custom_id: "e-1",
  method: "POST",
  url: "/v1/embeddings",
  body: { model: "minimax/embo-01", input: "secret words" },
};

const chat = (body: object) => ({ ...CHAT, body: { ...CHAT.body, ...body } });
const embedding = (body: object) => ({ ...EMBEDDING, body: { ...EMBEDDING.body, ...body } });
const message = (fields: object) => chat({ messages: [fields] });
const registry = createRegistry();
const read = (line: unknown, model?: string) => new BatchRequestReader(model, registry).read(line);

test("a chat line is read", () => {
  expect(read(CHAT)).toMatchObject({
    customId: "q-1",
    endpoint: "/v1/chat/completions",
    model: { name: "zhipu/glm-4-plus" },
    chat: { messages: [{ role: "user", content: "secret words" }] },
  });
});

test.each([
  [{ input: "one" }, { inputs: ["one"], dimensions: undefined, encoding: "float" }],
  [{ input: ["one", "two"], user: "u" }, { inputs: ["one", "two"] }],
  [
    { encoding_format: "base64", dimensions: 8 },
    { encoding: "base64", dimensions: 8 },
  ],
  [
    { model: "openai/text-embedding-3-small", input: [1, 2, 3] },
    { inputs: ["[1,2,3]"], partTokens: [3], tokenIds: true },
  ],
  [
    { model: "vllm/e", input: [[1], [2, 3]] },
    { inputs: ["[1]", "[2,3]"], partTokens: [1, 2], tokenIds: true },
  ],
  [{ model: "jina/jina-embeddings-v3", embedding_type: "binary" }, { options: { embedding_type: "binary" } }],
  [{ model: "gemini/gemini-embedding-001", task_type: "CLUSTERING" }, { options: { task_type: "CLUSTERING" } }],
])("an embedding line with %j is read", (body, expected) => {
  expect(read(embedding(body))).toMatchObject({ endpoint: "/v1/embeddings", embedding: expected });
});

test.each([
  ["not an object", [], "expected an object with custom_id, method, url and body, got a list"],
  ["no custom_id", { ...CHAT, custom_id: undefined }, '"custom_id" is missing'],
  ["an empty custom_id", { ...CHAT, custom_id: "" }, '"custom_id" is empty'],
  ["a numeric custom_id", { ...CHAT, custom_id: 7 }, '"custom_id" must be a string, not 7'],
  [
    "an overlong custom_id",
    { ...CHAT, custom_id: "x".repeat(513) },
    '"custom_id" has 513 characters; the limit is 512',
  ],
  ["another method", { ...CHAT, method: "GET" }, '"method" must be "POST"'],
  ["another url", { ...CHAT, url: "/v1/images" }, '"url" must be /v1/chat/completions or /v1/embeddings'],
  ["no body", { ...CHAT, body: undefined }, '"body" must be an object, and is missing'],
  ["an unknown field", { ...CHAT, extra: 1 }, '"extra" is not a field of a request'],
  [
    "an unknown model",
    chat({ model: "zhippu/glm-4-plus" }),
    '"zhippu/glm-4-plus" is not a known model; did you mean zhipu/glm-4-plus',
  ],
  ["a model without its provider", chat({ model: "glm-4-plus" }), "did you mean zhipu/glm-4-plus"],
  ["no model", chat({ model: undefined }), "no model"],
  [
    "an embedding model in a chat request",
    chat({ model: "minimax/embo-01" }),
    "minimax/embo-01 is a model for embedding, and /v1/chat/completions needs one for chat",
  ],
  ["streaming", chat({ stream: true }), '"stream" must be false'],
  ["several answers", chat({ n: 129 }), '"n" must be at most 128'],
  ["functions", chat({ functions: [] }), '"functions" is not supported; use "tools"'],
  ["audio", chat({ modalities: ["text", "audio"] }), '"modalities" must be ["text"]'],
  ["no messages", chat({ messages: [] }), '"messages" must be a list of at least one message'],
  ["messages that are not a list", chat({ messages: "hi" }), '"messages" must be a list, not a string'],
  ["another role", message({ role: "robot", content: "x" }), '"messages[0].role" must be one of'],
  ["no content", message({ role: "user" }), '"messages[0].content" is missing'],
  ["a part without type", message({ role: "user", content: [{ text: "x" }] }), '"messages[0].content"'],
  ["a tool message without its call", message({ role: "tool", content: "x" }), '"messages[0].tool_call_id" is missing'],
  ["a limit of no tokens", chat({ max_tokens: 0 }), '"max_tokens" must be a whole number from 1, not 0'],
  ["a temperature that is a string", chat({ temperature: "hot" }), '"temperature" must be a number, not a string'],
  [
    "tokens for a model of text",
    embedding({ input: [1, 2] }),
    '"input" must be text: minimax/embo-01 does not accept token ids',
  ],
  ["tokens and texts", embedding({ input: [1, "a"] }), '"input" must be texts, or lists of one or more token ids'],
  ["a negative token", embedding({ input: [[1], [-1]] }), '"input" must be texts, or lists of one or more token ids'],
  ["a list of no tokens", embedding({ input: [[1], []] }), '"input" must be texts, or lists of one or more token ids'],
  [
    "integers in base64",
    embedding({ model: "jina/jina-embeddings-v3", embedding_type: "binary", encoding_format: "base64" }),
    '"encoding_format" must be "float" for vectors of integers',
  ],
  [
    "a type that the vendor does not offer",
    embedding({ model: "jina/jina-embeddings-v3", embedding_type: "int8" }),
    '"embedding_type" must be one of float, binary, ubinary',
  ],
  [
    "a task that Gemini does not have",
    embedding({ model: "gemini/gemini-embedding-001", task_type: "SEARCH" }),
    '"task_type" must be one of SEMANTIC_SIMILARITY',
  ],
  ["no input", embedding({ input: [] }), '"input" must be a string or a list of 1 to 2048 strings'],
  ["an empty text", embedding({ input: ["a", " "] }), '"input" must have no empty text'],
  ["an unknown parameter", embedding({ purpose: "db" }), '"purpose" is not supported'],
  ["another encoding", embedding({ encoding_format: "hex" }), '"encoding_format" must be'],
])("%s is rejected with a message that does not quote the request", (_, line, problem) => {
  const found = read(line);
  expect(found).toEqual(expect.stringContaining(problem));
  expect(found).not.toContain("secret");
});

test("all problems of a line are reported at once", () => {
  const found = String(read({ ...chat({ stream: true, n: 0, top_p: "x" }), method: "PUT", custom_id: "" }));
  for (const name of ["custom_id", "method", "stream", '"n"', "top_p"]) expect(found).toContain(name);
});

describe("--model", () => {
  const named = (line: unknown, model?: string) => {
    const found = read(line, model);
    return typeof found === "string" ? found : found.model.name;
  };

  test("replaces the model that a request names", () => {
    expect(named(chat({ model: "gpt-4o-mini" }), "spark/max")).toBe("spark/max");
    expect(named(chat({ model: undefined }), "spark/max")).toBe("spark/max");
  });

  test("that is a provider is prefixed to models without a provider", () => {
    expect(named(chat({ model: "glm-4-flash" }), "zhipu")).toBe("zhipu/glm-4-flash");
    expect(named(CHAT, "spark")).toBe("zhipu/glm-4-plus");
  });

  test("that is unknown is rejected at once", () => {
    expect(() => new BatchRequestReader("zhippu/glm-4", registry)).toThrow("is not a known model");
    expect(() => new BatchRequestReader("zhippu", registry)).toThrow("Did you mean zhipu");
  });
});
