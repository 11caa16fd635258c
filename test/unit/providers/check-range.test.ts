import { describe, expect, it } from "vitest";
import { findRangeProblem, type Range } from "#src/providers/check-range.ts";
import { createCompatibleChatDialect } from "#src/providers/openai-compatible/compatible-provider.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";
import { createRegistry } from "#src/providers/registry.ts";

describe("findRangeProblem", () => {
  it.each<[unknown, Range]>([
    [undefined, { min: 1 }],
    [null, { min: 1 }],
    [1, { min: 1, max: 1, integer: true }],
    [0.01, { above: 0, max: 1 }],
    [1e9, { min: 1 }],
  ])("accepts %j in %j", (value, range) => {
    expect(findRangeProblem(value, range)).toBeUndefined();
  });

  it.each<[unknown, Range, string]>([
    [7, { min: 1, max: 6, integer: true }, "must be a whole number from 1 to 6, not 7"],
    [1.5, { min: 1, integer: true }, "must be a whole number of at least 1, not 1.5"],
    [0, { above: 0, max: 1 }, "must be a number above 0, up to 1, not 0"],
    [-1, { above: 0 }, "must be a number above 0, not -1"],
    [Number.NaN, { min: 0, max: 2 }, "must be a number from 0 to 2, not NaN"],
    ["secret", { min: 0, max: 2 }, "must be a number from 0 to 2, not a string"],
  ])("describes the problem with %j", (value, range, problem) => {
    expect(findRangeProblem(value, range)).toBe(problem);
  });
});

describe("a compatible vendor's parameters", () => {
  const encode = (name: string, model: string, request: object) => {
    const profile = COMPATIBLE_PROFILES.find((one) => one.name === name);
    if (!profile) throw new Error(`no ${name}`);
    return createCompatibleChatDialect(
      profile,
      model,
      createRegistry().findModel(`${name}/${model}`).model.maxOutputTokens,
    ).encode({ messages: [{ role: "user", content: "x" }], ...request }, false);
  };

  it.each([
    [{ maxTokens: 16_385 }, "max_completion_tokens must be a whole number from 1 to 16384, not 16385"],
    [{ extra: { max_tokens: 0 } }, "max_tokens must be a whole number from 1 to 16384, not 0"],
    [{ temperature: 2.1 }, "temperature must be a number from 0 to 2, not 2.1"],
    [{ topP: -0.1 }, "top_p must be a number from 0 to 1, not -0.1"],
  ])("are rejected before any call if they are out of range: %j", (request, message) => {
    expect(() => encode("openai", "gpt-4o", request)).toThrow(
      expect.objectContaining({ kind: "invalid-request", message }),
    );
  });

  it("are not restricted on self-hosted servers", () => {
    expect(encode("vllm", "any", { temperature: 5, maxTokens: 1e6 })).toMatchObject({ temperature: 5 });
  });
});
