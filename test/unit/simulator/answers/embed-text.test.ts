import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countTokens } from "#src/simulator/answers/count-tokens.ts";
import { DIMENSIONS, embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { printVector } from "#src/simulator/answers/print-vector.ts";
import { SimulatedVectorStore } from "#src/simulator/answers/vector-store.ts";

function cosineSimilarity(a: string, b: string): number {
  const [x, y] = [toFloats(embedText(a)), toFloats(embedText(b))];
  return x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
}

describe("embedText", () => {
  it("returns a vector of unit length without printed zeros for every text, even without words", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const floats = toFloats(embedText(text));
        expect(floats).toHaveLength(DIMENSIONS);
        expect(Math.hypot(...floats)).toBeCloseTo(1, 5);
      }),
      { numRuns: 200 },
    );
  });

  it("returns the same vector for the same text on every machine", () => {
    expect([...embedText("sluice gate").subarray(0, 4)]).toMatchInlineSnapshot(`
      [
        -186487,
        167209,
        -10399,
        -214369,
      ]
    `);
  });

  it("returns different vectors for different texts", () => {
    expect(embedText("text 1")).not.toEqual(embedText("text 2"));
  });

  it.each([
    ["how to configure a redis server", "configuring the Redis server", "baking bread with rye flour"],
    ["the quick brown fox jumps", "a brown fox is quick", "interest rates rose in March"],
    ["床前明月光疑是地上霜", "明月光照地上", "红豆生南国春来发几枝"],
    ["Embeddings, in BULK!", "embedding bulk", "streaming chat"],
  ])("places %s nearer to %s than to %s", (text, near, far) => {
    expect(cosineSimilarity(text, near)).toBeGreaterThan(cosineSimilarity(text, far) + 0.2);
  });
});

describe("printVector", () => {
  it("prints numbers that JSON.parse reads as the same floats", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e8, max: 1e8 }), { minLength: 1 }), (values) => {
        const units = Int32Array.from(values);
        const read = JSON.parse(printVector(units).toString()) as number[];
        expect(Float32Array.from(read, (value) => value + 0)).toEqual(
          Float32Array.from(toFloats(units), (value) => value + 0),
        );
      }),
    );
  });
});

describe("VectorStore", () => {
  it("prints and encodes the same values", () => {
    const store = new SimulatedVectorStore();
    for (const mode of ["meaningful", "fixed"] as const) {
      const [printed] = store.print(["a text"], mode);
      const [encoded] = store.encode(["a text"], mode);
      const bytes = Uint8Array.from(Buffer.from(encoded ?? "", "base64"));
      expect(new Float32Array(bytes.buffer)).toEqual(Float32Array.from(JSON.parse(String(printed)) as number[]));
    }
  });

  it("keeps the most recently used texts, up to its limit", () => {
    const store = new SimulatedVectorStore(2);
    const [a] = store.print(["a"], "meaningful");
    store.print(["b"], "meaningful");
    expect(store.print(["a"], "meaningful")[0]).toBe(a);
    store.print(["c"], "meaningful");
    expect(store.print(["a"], "meaningful")[0]).toBe(a);
    store.print(["d", "e"], "meaningful");
    const [again] = store.print(["a"], "meaningful");
    expect(again).not.toBe(a);
    expect(again).toEqual(a);
  });
});

describe("countTokens", () => {
  it.each([
    ["", 1],
    ["word", 1],
    ["words", 2],
    ["明月", 2],
    ["明月 and", 3],
  ])("counts %j as %d", (text, tokens) => expect(countTokens(text)).toBe(tokens));
});
