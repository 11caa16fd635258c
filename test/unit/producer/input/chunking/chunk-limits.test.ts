import { describe, expect, it } from "vitest";
import { chooseChunkOverlap } from "#src/producer/input/chunking/chunk-limits.ts";

describe("chooseChunkOverlap", () => {
  it("is 40 tokens, or half of a small chunk, which is the largest overlap that is accepted", () => {
    expect(chooseChunkOverlap(400)).toBe(40);
    expect(chooseChunkOverlap(80)).toBe(40);
    expect(chooseChunkOverlap(61)).toBe(30);
    expect(chooseChunkOverlap(16)).toBe(8);
  });
});
