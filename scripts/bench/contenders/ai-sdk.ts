// AI SDK: `embedMany` with all texts, 10 per call.
import { OpenAICompatibleEmbeddingModel } from "@ai-sdk/openai-compatible";
import { embedMany } from "ai";
import { BATCH, runContender } from "./contender.ts";

await runContender(async (texts, { url, apiKey, concurrency }) => {
  const model = new OpenAICompatibleEmbeddingModel("embo-01", {
    provider: "simulator.embedding",
    url: ({ path }) => `${url}${path}`,
    headers: () => ({ authorization: `Bearer ${apiKey}` }),
    maxEmbeddingsPerCall: BATCH,
    supportsParallelCalls: true,
  });
  const { embeddings } = await embedMany({
    model,
    values: [...texts],
    maxRetries: 0,
    maxParallelCalls: concurrency > 0 ? concurrency : undefined,
  });
  return { vectors: embeddings.length, dimensions: embeddings.at(-1)?.length ?? 0 };
});
