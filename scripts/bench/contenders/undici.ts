// Bare loop: undici, JSON.parse and one Float32Array per vector, nothing stored. This is the minimum cost of the work.
import { Agent, request } from "undici";
import { runContender, splitIntoBatches } from "./contender.ts";

await runContender(async (texts, { url, apiKey, concurrency }) => {
  const dispatcher = new Agent({ connections: concurrency });
  const batches = splitIntoBatches(texts).values();
  let vectors = 0;
  let dimensions = 0;
  const loop = async () => {
    for (const batch of batches) {
      const { body } = await request(`${url}/embeddings`, {
        dispatcher,
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
        body: JSON.stringify({ model: "embo-01", texts: batch, type: "db" }),
      });
      const answer = JSON.parse(await body.text()) as { vectors: number[][] };
      for (const vector of answer.vectors) {
        const floats = Float32Array.from(vector);
        vectors += 1;
        dimensions = floats.length;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  await dispatcher.close();
  return { vectors, dimensions };
});
