import { describe, expect, it } from "vitest";
import { InputError } from "#src/core/failures/errors.ts";
import { parseModelName, requireModelName } from "#src/core/model-name.ts";

describe("parseModelName", () => {
  it("splits at the first slash", () => {
    expect(parseModelName("minimax/embo-01")).toEqual({ provider: "minimax", model: "embo-01" });
    expect(parseModelName("vllm/Qwen/Qwen3")).toEqual({ provider: "vllm", model: "Qwen/Qwen3" });
  });

  it.each(["", "minimax", "/embo-01", "minimax/"])("returns undefined for %j", (name) => {
    expect(parseModelName(name)).toBeUndefined();
    expect(() => requireModelName(name)).toThrow(InputError);
  });
});
