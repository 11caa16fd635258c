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
    [
      "openai",
      404,
      { error: { code: 404, message: "This model's maximum context length is 8192 tokens" } },
      "too-long",
    ],
    ["openai", 404, { error: { code: 404, message: "No endpoints found" } }, "auth"],
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

  it.each([
    ["DeepSeek, wrong key", "deepseek", 401, "authentication_error", "invalid_request_error", "auth"],
    ["DeepSeek, no balance", "deepseek", 402, "unknown_error", "invalid_request_error", "quota"],
    ["DeepSeek, too many requests", "deepseek", 429, "rate_limit_error", "invalid_request_error", "throttled"],
    ["DeepSeek, busy", "deepseek", 503, "service_unavailable_error", "invalid_request_error", "overloaded"],
    ["OpenAI, no key", "openai", 401, "invalid_request_error", null, "auth"],
    ["OpenAI, invalid URL", "openai", 404, "invalid_request_error", null, "auth"],
    ["a vague type with a server's status", "openai", 500, "invalid_request_error", null, "server"],
    ["vLLM, too many requests", "vllm", 429, "BadRequestError", null, "throttled"],
    ["DashScope, wrong key", "dashscope", 401, "invalid_request_error", "InvalidParameter", "auth"],
    ["Volcengine, too many requests", "volcengine-ark", 429, "BadRequest", "InvalidParameter", "throttled"],
    ["a vague failure", "openai", 429, "server_error", null, "throttled"],
    ["a vague type with a vague status", "openai", 422, "invalid_request_error", null, "invalid-request"],
    [
      "a type that names the reason, in a stream",
      "deepseek",
      200,
      "authentication_error",
      "invalid_request_error",
      "auth",
    ],
  ])("follows the status when the code is vague: %s", (_, name, status, type, code, kind) => {
    const error = classify(name, status, { error: { message: "?", type, param: null, code } }, { "retry-after": "3" });
    expect(error).toMatchObject({ kind, status, retryAfterMs: 3000 });
  });

  it.each([
    ["one-api, no quota", "openai", 403, { code: "insufficient_user_quota", type: "one_api_error" }, "quota"],
    ["new-api, no quota", "openai", 403, { code: "pre_consume_token_quota_failed", type: "new_api_error" }, "quota"],
    ["new-api, no channel at the moment", "openai", 503, { code: "model_not_found" }, "overloaded"],
    ["DashScope, tokens per minute", "dashscope", 429, { code: "insufficient_quota" }, "throttled"],
    ["DashScope, free tier used up", "dashscope", 403, { code: "AllocationQuota.FreeTierOnly" }, "quota"],
    [
      "DeepSeek, content filter",
      "deepseek",
      400,
      { code: "invalid_request_error", message: "Content Exists Risk" },
      "content-filter",
    ],
    ["DeepSeek, unknown model", "deepseek", 400, { code: "invalid_request_error", message: "Model Not Exist" }, "auth"],
    [
      "LiteLLM, unknown model",
      "openai",
      400,
      { code: "400", message: "/chat/completions: Invalid model name passed in model=m. Call `/v1/models`" },
      "auth",
    ],
    ["OpenRouter, unknown model", "openrouter", 400, { code: 400, message: "m is not a valid model ID" }, "auth"],
    [
      "Ollama, too long",
      "ollama",
      500,
      { message: "the input length exceeds the context length", type: "api_error" },
      "too-long",
    ],
    [
      "Ollama, another failure",
      "ollama",
      500,
      { message: "llama runner process has terminated", type: "api_error" },
      "server",
    ],
    [
      "OpenRouter, flagged input",
      "openrouter",
      403,
      { code: 403, message: "flagged", metadata: { reasons: ["violence"], flagged_input: "x" } },
      "content-filter",
    ],
    ["OpenRouter, no access", "openrouter", 403, { code: 403, message: "no", metadata: { reasons: [] } }, "auth"],
    ["OpenAI, no quota", "openai", 429, { code: "insufficient_quota" }, "quota"],
  ])("distinguishes what vendors mean: %s", (_, name, status, error, kind) => {
    expect(classify(name, status, { error }).kind).toBe(kind);
  });

  it.each([
    [429, "throttled"],
    [503, "overloaded"],
    [401, "auth"],
  ])("prefers HTTP status %d to another status in the body", (status, kind) => {
    for (const code of [400, "400", 500, "500"]) {
      const body = { error: { code, type: "invalid_request_error", message: "x" } };
      expect(classify("openai", status, body)).toMatchObject({ kind, status });
      expect(classify("openai", status, { error: { code, message: "x" } })).toMatchObject({ kind, status });
    }
  });

  it("names the limit of DashScope's insufficient_quota", () => {
    expect(classify("dashscope", 429, { error: { code: "insufficient_quota" } }).dimension).toBe("tokens");
  });

  it.each([
    ["a wrong key", 400, { code: 400, status: "INVALID_ARGUMENT", details: [{ reason: "API_KEY_INVALID" }] }, "auth"],
    ["a rate limit", 429, { code: 429, status: "RESOURCE_EXHAUSTED" }, "throttled"],
    ["an invalid argument", 400, { code: 400, status: "INVALID_ARGUMENT" }, "invalid-request"],
    ["no permission", 403, { code: 403, status: "PERMISSION_DENIED" }, "auth"],
    ["an unknown model", 404, { code: 404, status: "NOT_FOUND" }, "auth"],
    ["an overload", 503, { code: 503, status: "UNAVAILABLE" }, "overloaded"],
    ["an internal error", 500, { code: 500, status: "INTERNAL" }, "server"],
  ])("reads errors of Google APIs, also in a list: %s", (_, status, error, kind) => {
    expect(classify("openai", status, [{ error }]).kind).toBe(kind);
    expect(classify("openai", status, { error }).kind).toBe(kind);
    expect(classify("openai", 200, [{ error }]).kind).toBe(kind);
  });

  it("reads retryDelay and the quota of Google's errors", () => {
    const details = [
      {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        violations: [{ quotaId: "GenerateContentInputTokensPerMinute" }],
      },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "12.5s" },
    ];
    const error = { code: 429, status: "RESOURCE_EXHAUSTED", details };
    expect(classify("openai", 429, [{ error }])).toMatchObject({
      kind: "throttled",
      retryAfterMs: 12_500,
      dimension: "tokens",
    });
    expect(classify("openai", 429, [{ error }], { "retry-after": "3" }).retryAfterMs).toBe(3000);
  });

  it.each([
    [400, { error: { message: "said", param: "max_tokens", code: "unsupported_parameter" } }, "max_tokens"],
    [401, { error: { message: "said", type: "invalid_request_error", param: null } }, undefined],
    [400, { error: "said" }, undefined],
    [400, { object: "error", message: "said", param: "n", code: 400 }, "n"],
    [400, [{ error: { code: 400, message: "said", status: "INVALID_ARGUMENT" } }], undefined],
    [422, { detail: "said" }, undefined],
  ])("keeps what the provider says apart from its own message: HTTP %d %j", (status, body, param) => {
    const error = classify("openai", status, body);
    expect(error.providerMessage).toBe("said");
    expect(error.param).toBe(param);
    expect(error.message).not.toContain("said");
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

it("the limits of an error are read from its headers and from the headers inside it", () => {
  const reset = String(6 * 3_600_000);
  const headers = { "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": 0, "X-RateLimit-Reset": `${6 * 3600}` };
  const error = classify("openrouter", 429, { error: { code: 429, message: "x", metadata: { headers } } });
  expect(error).toMatchObject({ kind: "throttled", retryAfterMs: Number(reset) });
  expect(error.limits).toMatchObject([{ dimension: "requests", limit: 50, remaining: 0, isLong: true }]);
  expect(classify("openai", 429, { error: {} }, { "retry-after": "3" })).toMatchObject({ retryAfterMs: 3_000 });
});
