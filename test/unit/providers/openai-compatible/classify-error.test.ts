import { describe, expect, it } from "vitest";
import { classifyCompatibleResponse } from "#src/providers/openai-compatible/classify-error.ts";
import { COMMON_CODES } from "#src/providers/openai-compatible/error-codes.ts";
import { COMPATIBLE_PROFILES } from "#src/providers/openai-compatible/profiles.ts";

function classify(name: string, status: number, body: unknown, headers: Record<string, string> = {}) {
  const profile = COMPATIBLE_PROFILES.find((one) => one.name === name);
  if (!profile) throw new Error(`no profile ${name}`);
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return classifyCompatibleResponse({ status, headers, body: Buffer.from(text) }, 0, profile, "chat answer");
}

describe("the errors of compatible vendors", () => {
  it.each([
    ["openai", 401, { error: { code: "invalid_api_key", type: "invalid_request_error" } }, "auth"],
    ["openai", 429, { error: { code: "insufficient_quota", type: "insufficient_quota" } }, "quota"],
    ["openai", 400, { error: { code: "context_length_exceeded", type: "invalid_request_error" } }, "too-long"],
    ["openai", 400, { error: { code: "content_policy_violation" } }, "content-filter"],
    ["openai", 404, { error: { code: "model_not_found" } }, "auth"],
    ["openai", 400, { error: { type: "invalid_request_error", code: null, message: "bad" } }, "invalid-request"],
    ["openai", 500, { error: { type: "server_error" } }, "server"],
    ["openrouter", 200, { error: { code: 402, message: "credits" } }, "quota"],
    ["openrouter", 200, { error: { code: 502, message: "x" } }, "server"],
    ["moonshot", 429, { error: { type: "exceeded_current_quota_error" } }, "quota"],
    ["moonshot", 429, { error: { type: "engine_overloaded_error" } }, "overloaded"],
    ["moonshot", 400, { error: { type: "content_filter" } }, "content-filter"],
    ["deepseek", 402, { error: { message: "Insufficient Balance" } }, "quota"],
    ["dashscope", 400, { error: { code: "data_inspection_failed" } }, "content-filter"],
    ["dashscope", 400, { code: "Arrearage", message: "x" }, "quota"],
    ["dashscope", 429, { error: { code: "limit_requests" } }, "throttled"],
    ["siliconflow", 400, { code: 20012, message: "x", data: null }, "auth"],
    ["siliconflow", 403, { code: 30001, message: "x" }, "quota"],
    ["siliconflow", 503, { code: 50505, message: "x" }, "overloaded"],
    ["siliconflow", 401, '"Invalid token"', "auth"],
    ["volcengine-ark", 403, { error: { code: "AccountOverdueError" } }, "quota"],
    ["volcengine-ark", 429, { error: { code: "ServerOverloaded" } }, "overloaded"],
    ["volcengine-ark", 400, { error: { code: "InputTextSensitiveContentDetected" } }, "content-filter"],
    ["text-embeddings-inference", 429, { error: "x", error_type: "Overloaded" }, "throttled"],
    ["text-embeddings-inference", 424, { error: "x", error_type: "Backend" }, "server"],
    ["text-embeddings-inference", 413, { error: "batch size 33 > maximum", error_type: "Validation" }, "too-long"],
    [
      "vllm",
      400,
      {
        object: "error",
        type: "BadRequestError",
        code: 400,
        message: "This model's maximum context length is 4096 tokens",
      },
      "too-long",
    ],
    ["vllm", 404, { error: { type: "NotFoundError", code: 404 } }, "auth"],
    ["ollama", 404, { error: { message: "model not found", type: "api_error" } }, "auth"],
    ["openai", 502, "<html>bad gateway</html>", "server"],
    ["openai", 200, "<html>hello</html>", "bad-response"],
    ["openai", 200, "", "bad-response"],
    ["openai", 503, "", "overloaded"],
    ["openai", 301, "", "auth"],
  ])("%s: HTTP %d %j is %s", (name, status, body, kind) => {
    const error = classify(name, status, body);
    expect(error.kind).toBe(kind);
    expect(error.message).not.toMatch(/bad gateway|credits|Insufficient Balance/);
  });

  it("reads which limit was exceeded", () => {
    const error = { code: "rate_limit_exceeded" };
    expect(classify("openai", 429, { error: { ...error, type: "tokens" } }).dimension).toBe("tokens");
    expect(classify("openai", 429, { error: { ...error, type: "requests" } }).dimension).toBe("requests");
    expect(classify("openai", 429, { error }, { "retry-after": "7" })).toMatchObject({
      kind: "throttled",
      retryAfterMs: 7000,
      dimension: undefined,
    });
  });

  it("adds hints, and marks codes that no table lists", () => {
    expect(classify("volcengine-ark", 401, {}).message).toContain("VOLCENGINE_ARK_API_KEY");
    expect(classify("openai", 418, { error: { code: "teapot" } })).toMatchObject({
      isUnlisted: true,
      code: "teapot",
    });
    expect(classify("openai", 200, { error: { message: "?" } })).toMatchObject({
      kind: "server",
      isUnlisted: true,
    });
  });

  it("marks a batch that is too large as splittable", () => {
    expect(classify("openai", 400, { error: { code: "max_tokens_per_request" } }).isSplittable).toBe(true);
    expect(classify("openai", 413, {}).isSplittable).toBe(true);
  });

  it.each(Object.entries(COMMON_CODES))("finds %s in any field", (code, { kind }) => {
    const kinds = [{ error: { code } }, { error: { type: code } }, { code, message: "x" }].map(
      (body) => classify("openai", 400, body).kind,
    );
    expect(kinds).toEqual([kind, kind, kind]);
  });
});
