// LangChain.js: `embedDocuments` over all texts, batches of 10.
import { OpenAIEmbeddings } from "@langchain/openai";
import { BATCH, runContender } from "./contender.ts";

await runContender(async (texts, { url, apiKey, concurrency }) => {
  const embeddings = new OpenAIEmbeddings({
    model: "embo-01",
    apiKey,
    batchSize: BATCH,
    // Floats as JSON, as the providers in question send them; base64 would be another task.
    encodingFormat: "float",
    maxRetries: 0,
    maxConcurrency: concurrency > 0 ? concurrency : undefined,
    configuration: { baseURL: url },
  });
  const vectors = await embeddings.embedDocuments([...texts]);
  return { vectors: vectors.length, dimensions: vectors.at(-1)?.length ?? 0 };
});
