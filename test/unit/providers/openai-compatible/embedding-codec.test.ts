import { expect, test } from "vitest";
import type { EmbeddingRequest } from "#src/providers/provider.ts";
import { createRegistry } from "#src/providers/registry.ts";
import type { Transport } from "#src/providers/transport/transport.ts";

const DIMENSIONS = 16;
const INPUTS = ["one", "two"];

/** A provider under `compatible:` whose server sends these vectors; `embed` resolves with the request and the answer. */
function openServer(vectors: readonly (readonly number[])[], encoding: "omitted" | "float" = "float") {
  const bodies: string[] = [];
  const transport: Transport = {
    async post({ body }) {
      bodies.push(String(body));
      const data = vectors.map((embedding, index) => ({ object: "embedding", index, embedding }));
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ object: "list", data })) };
    },
    stream: () => Promise.reject(new Error("embeddings are not streamed")),
    close: async () => undefined,
  };
  const models = [{ name: "e", kind: "embedding" as const, dimensions: DIMENSIONS }];
  const baseUrl = "https://gw.example/v1";
  const registry = createRegistry({
    definedProviders: [{ name: "gw", baseUrl, models, encoding }],
  });
  const model = registry.createProvider("gw", { baseUrl, apiKey: "k" }, transport).embedding?.("e");
  return async (options?: EmbeddingRequest["options"]) => {
    const answer = await model?.embed({ inputs: INPUTS, options }, { signal: new AbortController().signal });
    return { sent: JSON.parse(bodies.at(-1) ?? ""), answer };
  };
}

const fill = (count: number, values: readonly number[]) =>
  INPUTS.map((_, input) => Array.from({ length: count }, (__, i) => values[(i + input) % values.length] ?? 0));

test("a server that does not know encoding_format does not get it", async () => {
  const vectors = fill(DIMENSIONS, [0.5, -0.25]);
  const { sent, answer } = await openServer(vectors, "omitted")();
  expect(sent).toEqual({ model: "e", input: INPUTS });
  expect([...(answer?.vectors ?? [])]).toEqual(vectors.flat());
  expect((await openServer(vectors)()).sent).toMatchObject({ encoding_format: "float" });
});

test.each([
  ["int8", DIMENSIONS, [-128, 0, 127]],
  ["uint8", DIMENSIONS, [0, 128, 255]],
  ["binary", DIMENSIONS / 8, [-128, 127]],
  ["ubinary", DIMENSIONS / 8, [0, 255]],
])("%s vectors are requested as numbers and kept as they are", async (type, count, values) => {
  const vectors = fill(count, values);
  for (const field of ["output_dtype", "embedding_type"]) {
    const { sent, answer } = await openServer(vectors)({ [field]: type });
    expect(sent).toEqual({ model: "e", input: INPUTS, encoding_format: "float", [field]: type });
    expect(answer?.dimensions).toBe(count);
    expect([...(answer?.vectors ?? [])]).toEqual(vectors.flat());
    expect((await openServer(vectors, "omitted")({ [field]: type })).sent).not.toHaveProperty("encoding_format");
  }
});

test.each([
  ["fractions", fill(DIMENSIONS, [0.5])],
  ["a byte for each bit", fill(DIMENSIONS / 8, [1])],
  ["a vector less", fill(DIMENSIONS, [1]).slice(1)],
])("an answer to a request for int8 that has %s is refused", async (_, vectors) => {
  const error = { kind: "bad-response" };
  await expect(openServer(vectors)({ output_dtype: "int8" })).rejects.toMatchObject(error);
});
