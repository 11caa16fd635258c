import { expect, it } from "vitest";
import { ProviderError } from "#src/core/failures/errors.ts";
import { decodeGeminiEmbedding, encodeGeminiEmbedding } from "#src/providers/gemini/embedding-codec.ts";

const MODEL = {
  name: "gemini-embedding-001",
  kind: "embedding",
  dimensions: 3072,
  dimensionChoices: "up-to",
  maxInputs: 100,
} as const;

function encode(...args: Parameters<typeof encodeGeminiEmbedding>) {
  const { method, body } = encodeGeminiEmbedding(...args);
  return { method, body: JSON.parse(body) as unknown };
}

const decode = (body: unknown, count: number, isShortened: boolean) =>
  decodeGeminiEmbedding(
    { status: 200, headers: {}, body: Buffer.from(JSON.stringify(body)) },
    { count, dimensions: 2, isShortened },
    0,
  );

it("asks for one vector or for a batch, with task and dimensions", () => {
  const request = (text: string) => ({
    model: "models/gemini-embedding-001",
    content: { parts: [{ text }] },
    taskType: "RETRIEVAL_QUERY",
    outputDimensionality: 768,
  });
  const options = { purpose: "query", dimensions: 768 } as const;
  expect(encode(MODEL, { inputs: ["a"], ...options })).toEqual({ method: "embedContent", body: request("a") });
  expect(encode(MODEL, { inputs: ["a", "b"], ...options })).toEqual({
    method: "batchEmbedContents",
    body: { requests: [request("a"), request("b")] },
  });
  expect(encode(MODEL, { inputs: ["a"], purpose: "db", options: { task_type: "CLUSTERING" } }).body).toMatchObject({
    taskType: "CLUSTERING",
  });
  const later = { ...MODEL, name: "gemini-embedding-2" };
  expect(encode(later, { inputs: ["a"], purpose: "db" }).body).not.toHaveProperty("taskType");
  expect(encode(MODEL, { inputs: ["a"], purpose: "db" }).body).toMatchObject({ taskType: "RETRIEVAL_DOCUMENT" });
});

it("rejects what the model rejects", () => {
  expect(() => encode(MODEL, { inputs: [] })).toThrow(/1 to 100 inputs/);
  expect(() => encode(MODEL, { inputs: Array.from({ length: 101 }, () => "x") })).toThrow(
    expect.objectContaining({ isSplittable: true }),
  );
  expect(() => encode(MODEL, { inputs: ["a"], dimensions: 4000 })).toThrow(/at most 3072 dimensions/);
});

it("normalizes shortened vectors only", () => {
  const batch = { embeddings: [{ values: [3, 4] }, { values: [0, 2] }], usageMetadata: { promptTokenCount: 7 } };
  const shortened = decode(batch, 2, true);
  expect([...shortened.vectors]).toEqual([Math.fround(0.6), Math.fround(0.8), 0, 1]);
  expect(shortened.usage).toEqual({ inputTokens: 7, totalTokens: 7 });
  expect([...decode({ embedding: { values: [3, 4] } }, 1, false).vectors]).toEqual([3, 4]);
});

it("takes no other response for vectors", () => {
  for (const body of [
    {},
    { embedding: {} },
    { embeddings: [] },
    { embeddings: [{ values: [1] }] },
    { embedding: [1, 2] },
  ])
    expect(() => decode(body, 1, false)).toThrow(ProviderError);
});
