import { describe, expect, it } from "vitest";
import { checkVectors } from "#src/providers/vectors/check-vectors.ts";

const details = { provider: "minimax", status: 200 };

function check(values: number[], rows: number, columns: number, count: number, dimensions?: number): void {
  const expected = { count, ...(dimensions !== undefined && { dimensions }) };
  checkVectors({ values: Float32Array.from(values), rows, columns }, expected, details);
}

describe("checkVectors", () => {
  it("accepts finite vectors, one per input", () => {
    expect(() => check([1, 0, 0, -1], 2, 2, 2, 2)).not.toThrow();
  });

  it("accepts any number of dimensions if the model's is unknown", () => {
    expect(() => check([1, 2, 3], 1, 3, 1)).not.toThrow();
  });

  it("accepts vectors of the largest floats", () => {
    expect(() => check([3.4e38, -3.4e38], 1, 2, 1)).not.toThrow();
  });

  it.each([
    ["too few vectors", [1, 1], 1, 2, 2, 2, "1 vectors for 2 inputs"],
    ["too many vectors", [1, 1, 1, 1], 2, 2, 1, 2, "2 vectors for 1 inputs"],
    ["none at all", [], 0, 0, 1, 2, "0 vectors for 1 inputs"],
    ["another dimension", [1, 1, 1], 1, 3, 1, 2, "3 dimensions, not 2"],
    ["empty vectors", [], 1, 0, 1, undefined, "0 dimensions, not at least 1"],
    ["a zero vector", [1, 0, 0, 0], 2, 2, 2, 2, "vector 1 of the response is all zeros"],
    [
      "an infinite value",
      [1, Number.POSITIVE_INFINITY],
      1,
      2,
      1,
      2,
      "vector 0 of the response contains a value that is not finite",
    ],
    ["NaN", [1, 1, 1, Number.NaN], 2, 2, 2, 2, "vector 1 of the response contains a value that is not finite"],
  ])("rejects %s", (_, values, rows, columns, count, dimensions, message) => {
    expect(() => check(values, rows, columns, count, dimensions)).toThrow(
      expect.objectContaining({ kind: "bad-response", message: expect.stringContaining(message) }),
    );
  });
});
