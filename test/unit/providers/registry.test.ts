import { describe, expect, it } from "vitest";
import { MODEL_NAME_PATTERN } from "#src/core/model-name.ts";
import { createRegistry } from "#src/providers/registry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";

const { createProvider, findModel, listModelNames, listModels, listSimilarModels, providers } = createRegistry();
const noTransport: Transport = {
  post: () => Promise.reject(new Error("not here")),
  stream: () => Promise.reject(new Error("not here")),
  close: async () => {},
};

describe("the registry", () => {
  it("finds a model by its full name", () => {
    const { provider, model } = findModel("minimax/embo-01");
    expect(provider).toBe("minimax");
    expect(model).toMatchObject({ kind: "embedding", dimensions: 1536, maxInputs: 10, maxTokens: 4096 });
  });

  it.each([
    ["minimax/embo-1", "embedding", "minimax/embo-01"],
    ["zhipu/glm-9", "chat", "zhipu/glm-4"],
    ["spark/v9.0", "chat", "spark/v4.0"],
    ["openai/gpt-6-mini", "chat", "openai/gpt-5-mini"],
    ["openrouter/some/model:free", "chat", undefined],
  ] as const)("accepts %s, although no list has it, and suggests the nearest name", (name, kind, similar) => {
    const found = findModel(name);
    expect(found).toMatchObject({ isUnknown: true, model: { name: name.slice(name.indexOf("/") + 1), kind } });
    expect(found.model.price).toBeUndefined();
    expect(found.model.maxOutputTokens).toBeUndefined();
    if (similar !== undefined) expect(listSimilarModels(name)).toContain(similar);
  });

  it.each([
    ["minmax/embo01", "minimax/embo-01"],
    ["embo-01", "minimax/embo-01"],
  ])("rejects %s without a known provider, and suggests the most similar name", (wanted, nearest) => {
    expect(() => findModel(wanted)).toThrow(`"${wanted}" is not a known model. Did you mean ${nearest}?`);
    expect(() => findModel(wanted)).toThrow(expect.objectContaining({ suggestions: [nearest] }));
  });

  it.each(["glm-4", "glm-4v", "glm-4-plus"])("knows zhipu/%s", (name) => {
    expect(findModel(`zhipu/${name}`)).toMatchObject({ isUnknown: false, model: { kind: "chat" } });
  });

  it.each(["v1.5", "v2.0", "v3.0", "v3.5", "generalv3.5", "4.0Ultra", "x1"])("knows spark/%s", (name) => {
    expect(findModel(`spark/${name}`)).toMatchObject({ isUnknown: false, model: { kind: "chat" } });
  });

  it.each([
    ["vllm/Qwen/Qwen3-32B", "vllm", "chat", undefined],
    ["ollama/mxbai-embed-large", "ollama", "embedding", 256],
    ["text-embeddings-inference/anything", "text-embeddings-inference", "embedding", 32],
  ] as const)("describes %s by its provider and its name", (name, provider, kind, maxInputs) => {
    const { model } = findModel(name);
    expect(model).toEqual({ name: name.slice(provider.length + 1), kind, ...(maxInputs && { maxInputs }) });
  });

  it("lets the caller state the kind of an unlisted model", () => {
    expect(findModel("vllm/whatever", "embedding").model.kind).toBe("embedding");
    expect(findModel("vllm/bge-reranker", "chat").model.kind).toBe("chat");
    expect(findModel("ollama/nomic-embed-text", "chat").model).toMatchObject({ kind: "embedding", dimensions: 768 });
  });

  it.each(["vllm/", "vllm/a b", "vllm", "/x", `ollama/${"x".repeat(129)}`])("rejects %j", (name) => {
    expect(() => findModel(name)).toThrow(UnknownModelError);
  });

  it("joins the settings, the catalogue and the profile of a model", () => {
    const registry = createRegistry({
      models: { openai: { "text-embedding-3-small": { maxInputs: 7 }, "gpt-7": { maxTokens: 9 } } },
    });
    expect(registry.findModel("openai/text-embedding-3-small").model).toMatchObject({
      kind: "embedding",
      maxInputs: 7,
      maxBatchTokens: 300_000,
      dimensions: 1536,
      maxTokens: 8191,
      price: { inputPerMillionTokens: 0.02, currency: "USD" },
    });
    expect(registry.findModel("openai/gpt-7")).toMatchObject({ isUnknown: false, model: { maxTokens: 9 } });
    expect(registry.listModels("openai").at(-1)).toMatchObject({ name: "gpt-7", kind: "chat" });
  });

  it("gives adapters the same data", () => {
    const registry = createRegistry({ models: { zhipu: { "embedding-3": { maxInputs: 7 } } } });
    const account = { baseUrl: "http://127.0.0.1:1/v1", apiKey: "k" };
    expect(registry.createProvider("zhipu", account, noTransport).embedding?.("embedding-3").maxInputs).toBe(7);
  });

  it("knows retired models and their successors", () => {
    expect(findModel("deepseek/deepseek-chat").model.retired).toEqual({
      since: "2026-07-24",
      successors: ["deepseek-flash", "deepseek-v4-pro"],
    });
    expect(findModel("moonshot/moonshot-v1-8k").model.retired?.since).toBe("2026-08-31");
    expect(findModel("moonshot/kimi-k2.6").model.retired).toBeUndefined();
  });

  it("lists at most a few names of many", () => {
    expect(() => findModel("zzz")).toThrow(
      /Known models: minimax\/embo-01, .* and \d+ others; "sluice models" lists them\.$/,
    );
    expect(() => findModel("zzz")).toThrow(/^.{0,300}$/);
    expect(listModels("zhipu").length).toBeGreaterThan(20);
  });

  it("creates an adapter by name and rejects unknown names", () => {
    const account = { baseUrl: "http://127.0.0.1:1/v1", apiKey: "k" };
    expect(createProvider("minimax", account, noTransport).name).toBe("minimax");
    expect(() => createProvider("minimx", account, noTransport)).toThrow(UnknownModelError);
  });

  it("contains complete data for every model", () => {
    for (const { name, defaultBaseUrl } of providers) {
      expect(defaultBaseUrl).toMatch(/^(https:|wss:|http:\/\/127\.0\.0\.1:)\/*[^/]+(\/.*[^/])?$/);
      for (const model of listModels(name)) {
        if (model.kind === "embedding") expect(model.maxInputs).toBeGreaterThan(0);
        expect(model.name).toMatch(MODEL_NAME_PATTERN);
      }
    }
    expect(new Set(listModelNames()).size).toBe(listModelNames().length);
  });
});
