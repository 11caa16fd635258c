// openai SDK with p-queue: one call per batch of 10 texts; the vectors stay in order.
import OpenAI from "openai";
import PQueue from "p-queue";
import { runContender, splitIntoBatches } from "./contender.ts";

await runContender(async (texts, { url, apiKey, concurrency }) => {
  const client = new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
  const queue = new PQueue({ concurrency: concurrency > 0 ? concurrency : 1 });
  const answers = await queue.addAll(
    splitIntoBatches(texts).map((input) => async () => {
      // Floats as JSON, as the compared providers send them; base64 would be different work.
      const { data } = await client.embeddings.create({ model: "embo-01", input, encoding_format: "float" });
      return data.map((each) => each.embedding);
    }),
  );
  const vectors = answers.flat();
  return { vectors: vectors.length, dimensions: vectors.at(-1)?.length ?? 0 };
});
