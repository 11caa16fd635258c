import type { SimulatedVectorStore } from "#src/simulator/answers/vector-store.ts";
import type { CheckedCall, Endpoint } from "#src/simulator/server/endpoint.ts";
import { createGeminiEmbeddingEndpoint } from "./embeddings.ts";
import { createGenerateEndpoint } from "./generate.ts";

/** The Gemini API: answers, streams and embeddings. */
export function createGeminiEndpoints(apiKey: string, vectors: SimulatedVectorStore): readonly Endpoint<CheckedCall>[] {
  return [
    createGenerateEndpoint(apiKey, "generateContent"),
    createGenerateEndpoint(apiKey, "streamGenerateContent"),
    createGeminiEmbeddingEndpoint(apiKey, "embedContent", vectors),
    createGeminiEmbeddingEndpoint(apiKey, "batchEmbedContents", vectors),
  ];
}
