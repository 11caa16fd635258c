// LangChain.js: `embedDocuments` with all texts, 10 per call.
import { OpenAIEmbeddings } from "@langchain/openai";
import { BATCH, runContender } from "./contender.ts";

await runContender(async (texts, { url, apiKey, concurrency }) => {
  const embeddings = new OpenAIEmbeddings({
    model: "embo-01",
    apiKey,
    batchSize: BATCH,
    // Floats as JSON, as the compared providers send them; base64 would be different work.
    encodingFormat: "float",
    maxRetries: 0,
    maxConcurrency: concurrency > 0 ? concurrency : undefined,
    configuration: { baseURL: url },
  });
  const vectors = await embeddings.embedDocuments([...texts]);
  return { vectors: vectors.length, dimensions: vectors.at(-1)?.length ?? 0 };
});
