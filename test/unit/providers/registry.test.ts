import { describe, expect, it } from "vitest";
import { createRegistry } from "#src/providers/registry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";
import { UnknownModelError } from "#src/providers/unknown-model-error.ts";

const { createProvider, findModel, listModelNames, listModels, providers } = createRegistry();
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
    ["minimax/embo-1", "minimax/embo-01"],
    ["minimax/ebmo-01", "minimax/embo-01"],
    ["MiniMax/Embo-01", "minimax/embo-01"],
    ["minmax/embo01", "minimax/embo-01"],
    ["embo-01", "minimax/embo-01"],
  ])("suggests the most similar name for %s", (wanted, nearest) => {
    expect(() => findModel(wanted)).toThrow(
      expect.objectContaining({ name: "UnknownModelError", suggestions: [nearest] }),
    );
    expect(() => findModel(wanted)).toThrow(`"${wanted}" is not a known model. Did you mean ${nearest}?`);
  });

  it.each([
    ["vllm/Qwen/Qwen3-32B", "vllm", "chat", 1024],
    ["ollama/qwen3:8b", "ollama", "chat", 256],
    ["ollama/mxbai-embed-large", "ollama", "embedding", 256],
    ["openrouter/some/model:free", "openrouter", "chat", undefined],
    ["text-embeddings-inference/anything", "text-embeddings-inference", "embedding", 32],
  ] as const)(
    "accepts %s, because the operator of the server chooses the models",
    (name, provider, kind, maxInputs) => {
      const found = findModel(name);
      expect(found.provider).toBe(provider);
      expect(found.model).toEqual({
        name: name.slice(provider.length + 1),
        kind,
        ...(maxInputs !== undefined && { maxInputs }),
      });
    },
  );

  it("lets the caller state the kind of an unlisted model", () => {
    expect(findModel("vllm/whatever", "embedding").model.kind).toBe("embedding");
    expect(findModel("vllm/bge-reranker", "chat").model.kind).toBe("chat");
    expect(findModel("ollama/nomic-embed-text", "chat").model).toMatchObject({
      kind: "embedding",
      dimensions: 768,
    });
  });

  it.each(["vllm/", "vllm/a b", "vllm", "/x", `ollama/${"x".repeat(129)}`, "openai/whatever"])("rejects %j", (name) => {
    expect(() => findModel(name)).toThrow(UnknownModelError);
  });

  it("accepts an unlisted model that the user's settings define, and marks others as unlisted", () => {
    const hint = 'providers: { openai: { models: { "gpt-6-mini": {} } } }';
    expect(() => findModel("openai/gpt-6-mini", "chat")).toThrow(hint);
    const namedModels = ["openai/gpt-6-mini", "openai/text-embedding-4", "zhipu/glm-9", "openai/gpt-4o"];
    const registry = createRegistry({ namedModels });
    expect(registry.findModel("openai/gpt-6-mini").model).toMatchObject({ name: "gpt-6-mini", kind: "chat" });
    expect(registry.findModel("openai/text-embedding-4").model).toMatchObject({
      kind: "embedding",
      maxInputs: 2048,
    });
    expect(() => registry.findModel("openai/gpt-6")).toThrow(UnknownModelError);
    expect(() => registry.findModel("zhipu/glm-9")).toThrow(/not a known model\. (?!.*sluice\.yaml)/);
    const added = [
      { name: "gpt-6-mini", kind: "chat" },
      { name: "text-embedding-4", kind: "embedding" },
    ];
    expect(registry.listModels("openai").slice(listModels("openai").length)).toMatchObject(added);
    expect(registry.listModels("zhipu")).toEqual(listModels("zhipu"));
    expect(() => findModel("openai/gpt-6-mini")).toThrow(UnknownModelError);
  });

  it("lists the provider's models if no name is similar", () => {
    expect(() => findModel("zhipu/zzzzzzzz")).toThrow(/Known models: zhipu\/glm-4-plus, (zhipu\/[^ ]+,? ?)+\.$/);
    expect(() => findModel("zzz")).toThrow(
      /Known models: minimax\/embo-01, .* and \d+ others; "sluice models" lists them\.$/,
    );
    expect(() => findModel("zzz")).toThrow(/^.{0,300}$/);
  });

  it("creates an adapter by name and rejects unknown names", () => {
    const account = { baseUrl: "http://127.0.0.1:1/v1", apiKey: "k" };
    expect(createProvider("minimax", account, noTransport).name).toBe("minimax");
    expect(() => createProvider("minimx", account, noTransport)).toThrow(UnknownModelError);
  });

  it("contains complete data for every model", () => {
    for (const { defaultBaseUrl, models } of providers) {
      expect(defaultBaseUrl).toMatch(/^(https:|wss:|http:\/\/127\.0\.0\.1:)\/*[^/]+(\/.*[^/])?$/);
      for (const model of models) {
        expect(model.name).toMatch(/^[\w./-]+$/);
        if (model.kind === "embedding") expect(model.maxInputs).toBeGreaterThan(0);
      }
    }
    expect(new Set(listModelNames()).size).toBe(listModelNames().length);
  });
});
