import { afterEach, expect, test } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { RerankModel } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createTransport } from "#src/providers/transport/http.ts";
import { SIMULATOR_API_KEY, startSimulator } from "#src/simulator/simulator.ts";
import { encodeCompleteResponse, startReplayServer } from "#test/support/servers/replay-server.ts";

const GATEWAY = { name: "gw", baseUrl: "https://gw.example/v1", models: [{ name: "m", kind: "rerank" as const }] };
const REGISTRY = createRegistry({ definedProviders: [GATEWAY] });
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(provider: string, baseUrl: string, apiKey = SIMULATOR_API_KEY): RerankModel {
  const transport = createTransport();
  cleanups.push(() => transport.close());
  const model = REGISTRY.createProvider(provider, { baseUrl, apiKey }, transport).rerank?.(MODELS[provider] ?? "m");
  if (!model) throw new Error(`${provider} has no rerank models`);
  return model;
}

const MODELS: Readonly<Record<string, string>> = { cohere: "rerank-v3.5", jina: "jina-reranker-v3" };
const PROVIDERS = ["cohere", "jina", "vllm", "text-embeddings-inference", "gw"] as const;
const REQUEST = { query: "spring birds", documents: ["rain", "spring birds"] };
const live = () => ({ signal: new AbortController().signal });
const kindOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (error) => (error instanceof ProviderError ? error.kind : error),
  );

test.each(PROVIDERS)("%s: ranks, and reports errors and defects of the simulator by kind", async (provider) => {
  const simulator = await startSimulator();
  cleanups.push(() => simulator.close());
  const { cohereUrl, jinaUrl, openaiUrl } = simulator;
  const url = {
    cohere: cohereUrl,
    jina: jinaUrl,
    vllm: openaiUrl,
    gw: openaiUrl,
    "text-embeddings-inference": openaiUrl,
  }[provider];
  const model = open(provider, url);
  const { results, usage } = await model.rerank(REQUEST, live());
  expect(results.map(({ index }) => index)).toEqual([1, 0]);
  expect(usage.totalTokens).toBeGreaterThan(0);
  expect(await kindOf(open(provider, url, "wrong").rerank(REQUEST, live()))).toBe("auth");
  expect(await kindOf(model.rerank({ ...REQUEST, query: "" }, live()))).toBe("invalid-request");
  for (const defect of ["missing", "extra", "null"] as const) {
    simulator.configure({ faults: [{ action: { type: "vectors", defect } }] });
    expect(await kindOf(model.rerank(REQUEST, live()))).toBe("bad-response");
  }
  simulator.configure({ faults: [], limits: { requestsPerWindow: 1 } });
  expect(await kindOf(model.rerank(REQUEST, live()))).toMatch(/throttled|overloaded/);
});

test.each(PROVIDERS)("%s: an answer that is cut anywhere is never a success", async (provider) => {
  const results = [1, 0].map((index) => ({ index, score: index, relevance_score: index }));
  const body = JSON.stringify(provider === "text-embeddings-inference" ? results : { results });
  let length: number | undefined;
  const server = await startReplayServer((socket, request) => {
    socket.end(encodeCompleteResponse(request, body, {}).subarray(0, length));
  });
  cleanups.push(() => server.close());
  const model = open(provider, server.origin);
  expect(await kindOf(model.rerank(REQUEST, live()))).toBe("ok");
  for (length = 1; length < body.length; length += 7) {
    expect(await kindOf(model.rerank(REQUEST, live()))).not.toBe("ok");
  }
  length = -1;
  expect(await kindOf(model.rerank(REQUEST, live()))).not.toBe("ok");
});

test.each(PROVIDERS)("%s: prefers the status to a vague code, and never guesses a missing index", async (provider) => {
  let answer: readonly [body: unknown, status: number] = [{}, 200];
  const server = await startReplayServer((socket, request) => {
    const [body, status] = answer;
    socket.end(encodeCompleteResponse(request, JSON.stringify(body), { status, contentType: "application/json" }));
  });
  cleanups.push(() => server.close());
  const model = open(provider, server.origin);
  const error = { message: "said", type: "invalid_request_error", code: "invalid_request_error" };
  for (const [status, kind] of [
    [401, "auth"],
    [403, "auth"],
    [429, "throttled"],
    [503, "overloaded"],
  ] as const) {
    answer = [{ error, message: "said", error_type: "Validation" }, status];
    expect(await kindOf(model.rerank(REQUEST, live()))).toBe(kind);
  }
  // Results are sorted by score, so their order says nothing about the documents.
  const results = [{ index: 1 }, {}].map((one) => ({ ...one, score: 1, relevance_score: 1 }));
  answer = [provider === "text-embeddings-inference" ? results : { results }, 200];
  expect(await kindOf(model.rerank(REQUEST, live()))).toBe("bad-response");
});
