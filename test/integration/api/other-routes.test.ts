import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestApi } from "#test/support/api/test-api.ts";

let api: TestApi;
let client: OpenAI;
beforeAll(async () => {
  api = await TestApi.open({ latency: { fixedMs: 0 } });
  client = new OpenAI({ baseURL: api.baseUrl, apiKey: "any", maxRetries: 0 });
});
afterAll(() => api[Symbol.asyncDispose]());

interface Answer {
  readonly results: readonly { readonly index: number; readonly relevance_score: number }[];
  readonly error: { readonly code: string | null; readonly message: string };
}

async function post(path: string, body: object) {
  const response = await fetch(`${api.baseUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

describe("text completions", () => {
  it("are the same with and without streaming", async () => {
    const request = { model: "openai/gpt-4o-mini", prompt: "12 + 30" };
    const whole = await client.completions.create(request);
    expect(whole).toMatchObject({ object: "text_completion", choices: [{ finish_reason: "stop" }] });
    let text = "";
    let usage: unknown;
    const options = { stream: true, stream_options: { include_usage: true } } as const;
    for await (const chunk of await client.completions.create({ ...request, ...options })) {
      expect(chunk.object).toBe("text_completion");
      text += chunk.choices[0]?.text ?? "";
      usage ??= chunk.usage;
    }
    expect(text).toBe(whole.choices[0]?.text);
    expect(usage).toEqual(whole.usage);
  });
});

describe("moderations", () => {
  it("have one result per input", async () => {
    const moderation = await client.moderations.create({
      model: "openai/omni-moderation-latest",
      input: ["hello", "goodbye"],
    });
    expect(moderation.results).toHaveLength(2);
  });

  it("are refused for a provider without them", async () => {
    const refused = client.moderations.create({ model: "zhipu/glm-4-plus", input: "hello" });
    await expect(refused).rejects.toMatchObject({ status: 400, param: "model" });
  });
});

describe("rerank", () => {
  const request = {
    model: "cohere/rerank-v3.5",
    query: "apples",
    documents: ["pears", { text: "apples and pears" }, "x"],
  };

  it("returns the best documents first, with their texts on request", async () => {
    const { body } = await post("/rerank", { ...request, top_n: 2, return_documents: true });
    expect(body.results).toHaveLength(2);
    expect(body.results[0]).toMatchObject({ index: 1, document: { text: "apples and pears" } });
    const [first, second] = body.results.map(({ relevance_score }) => relevance_score);
    expect(first).toBeGreaterThanOrEqual(second ?? 0);
  });

  it("needs a model that ranks", async () => {
    const refused = await post("/rerank", { ...request, model: "zhipu/glm-4-plus" });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: "model_not_supported" } } });
  });
});

it.each([
  ["malformed JSON", "{", 400, "invalid_json"],
  ["a prototype key", '{"__proto__":{"a":1}}', 400, "invalid_json"],
  ["deep nesting", `{"model":"x","messages":${"[".repeat(5_000)}${"]".repeat(5_000)}}`, 400, null],
  ["another type", '{"model":"x","messages":"hello"}', 400, null],
])("%s is refused on every route that takes a body", async (_, body, status, code) => {
  const routes = ["/chat/completions", "/embeddings", "/responses", "/messages", "/jobs/chat", "/rerank", "/batches"];
  for (const route of routes) {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${api.baseUrl}${route}`, { method: "POST", headers, body });
    expect([route, response.status]).toEqual([route, status]);
    const { error } = (await response.json()) as Answer;
    if (route !== "/messages" && code !== null) expect(error.code).toBe(code);
    expect(error.message).not.toContain("hello");
  }
});

it("a body that is too large, and another content type, are refused", async () => {
  const url = `${api.baseUrl}/chat/completions`;
  const headers = { "content-type": "application/json" };
  const large = JSON.stringify({ model: "x", messages: [], padding: "x".repeat(33 * 1024 * 1024) });
  expect((await fetch(url, { method: "POST", headers, body: large })).status).toBe(413);
  expect((await fetch(url, { method: "POST", headers: { "content-type": "text/csv" }, body: "a,b" })).status).toBe(415);
});

it("an unknown route says where all routes are", async () => {
  const response = await fetch(`${api.baseUrl}/nothing`);
  expect([response.status, await response.json()]).toMatchObject([404, { error: { code: "unknown_url" } }]);
});

describe("FastChat's routes", () => {
  it("check the length of prompts, and embed with the model of the path", async () => {
    const prompts = [
      { model: "zhipu/glm-4-plus", prompt: "hello", max_tokens: 10 },
      { model: "zhipu/glm-4-plus", prompt: "hello", max_tokens: 10_000_000 },
    ];
    const url = api.baseUrl.replace(/\/v1$/, "/api/v1/token_check");
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ prompts }) });
    expect(response.headers.get("x-sluice-token-count")).toBe("estimate");
    expect(await response.json()).toMatchObject({
      prompts: [
        { fits: true, tokenCount: expect.any(Number), contextLength: 131_072 },
        { fits: false, contextLength: 131_072 },
      ],
    });
    const path = `/engines/${encodeURIComponent("minimax/embo-01")}/embeddings`;
    expect(await post(path, { input: "a" })).toMatchObject({ status: 200, body: { object: "list" } });
  });

  it("have FastChat's errors on request", async () => {
    const body = { model: "nobody/x", messages: [{ role: "user", content: "hi" }] };
    const refused = await post("/chat/completions?error_format=fastchat", body);
    expect(refused).toMatchObject({ status: 400, body: { object: "error", code: 40301 } });
  });
});
