import { CohereClientV2, CohereError } from "cohere-ai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SIMULATOR_API_KEY, type Simulator, startSimulator } from "#src/simulator/simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());

const open = (token = SIMULATOR_API_KEY) =>
  new CohereClientV2({ token, environment: simulator.cohereUrl, maxRetries: 0 });
const DOCUMENTS = ["Carson City is in Nevada.", "Birds sing in the morning.", "Spring birds and spring rain."];
const REQUEST = { model: "rerank-v3.5", query: "birds in spring", documents: DOCUMENTS };

async function fail(request: Promise<unknown>): Promise<CohereError> {
  const error: unknown = await request.then(
    () => undefined,
    (thrown) => thrown,
  );
  if (error instanceof CohereError) return error;
  throw new Error("the call did not fail with the client's own error", { cause: error });
}

describe("Cohere's own client", () => {
  it("gets ranked documents and billed units", async () => {
    const { results, meta } = await open().rerank(REQUEST);
    expect(results.map(({ index }) => index).toSorted()).toEqual([0, 1, 2]);
    expect(results[0]?.index).toBe(2);
    expect(results.map(({ relevanceScore }) => relevanceScore)).toEqual(
      results.map(({ relevanceScore }) => relevanceScore).toSorted((a, b) => b - a),
    );
    expect(meta?.billedUnits?.searchUnits).toBe(1);
  });

  it("gets as many results as it asks for", async () => {
    expect((await open().rerank({ ...REQUEST, topN: 1 })).results).toHaveLength(1);
  });

  it("is billed another unit for more than 100 documents", async () => {
    const documents = Array.from({ length: 101 }, (_, n) => `document ${n}`);
    expect((await open().rerank({ ...REQUEST, documents })).meta?.billedUnits?.searchUnits).toBe(2);
  });

  it("is refused with a wrong key, an unknown model, and no documents", async () => {
    expect((await fail(open("wrong").rerank(REQUEST))).statusCode).toBe(401);
    expect((await fail(open().rerank({ ...REQUEST, model: "command-a" }))).statusCode).toBe(404);
    expect((await fail(open().rerank({ ...REQUEST, documents: [] }))).statusCode).toBe(422);
  });
});
