import { describe, expect, it } from "vitest";
import { editDistance, findSimilarName, listSimilarNames } from "#src/core/similar-names.ts";

describe("nearest", () => {
  it.each([
    ["apikey", "apiKey"],
    ["requests_per_minute", "requestsPerMinute"],
    ["embo01", "embo-01"],
    ["conccurency", "concurrency"],
    ["emob-01", "embo-01"],
  ])("takes %s for %s", (word, meant) => {
    expect(findSimilarName(word, ["apiKey", "requestsPerMinute", "embo-01", "concurrency"])).toBe(meant);
  });

  it("finds nothing in words that only share letters", () => {
    expect(findSimilarName("gpt-4o", ["embo-01", "abab6.5s-chat"])).toBeUndefined();
    expect(findSimilarName("x", ["run", "log"])).toBeUndefined();
    expect(findSimilarName("", ["run"])).toBeUndefined();
  });
});

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["abc", "ab", 1],
    ["kitten", "sitting", 3],
  ])("between %j and %j is %i", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });

  it("stops counting at the limit", () => {
    expect(editDistance("kitten", "sitting", 2)).toBe(2);
  });
});

describe("nearestNames", () => {
  it("sorts by similarity and leaves out names with little in common", () => {
    expect(listSimilarNames("glm-4", ["embedding-3", "glm-4-air", "glm-4", "glm-5"])).toEqual([
      "glm-4",
      "glm-4-air",
      "glm-5",
    ]);
  });

  it.each([
    ["embo01", ["minimax/embo-01"]],
    ["openai/embo-01", ["minimax/embo-01"]],
    ["glm4plus", ["zhipu/glm-4-plus"]],
    ["nosuch/glm-4-plus", ["zhipu/glm-4-plus"]],
    ["unrelated", []],
  ])("finds %s at any provider", (input, found) => {
    const known = ["minimax/embo-01", "zhipu/glm-4-plus", "zhipu/embedding-3"];
    expect(listSimilarNames(input, known)).toEqual(found);
  });
});
