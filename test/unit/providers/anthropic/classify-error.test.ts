import { expect, it } from "vitest";
import { classifyAnthropicResponse } from "#src/providers/anthropic/classify-error.ts";

const NOW = Date.parse("2026-11-30T20:00:00Z");

function classify(message: string, headers: Readonly<Record<string, string>> = {}) {
  const error = { type: "error", error: { type: "rate_limit_error", message }, request_id: "req_1" };
  return classifyAnthropicResponse({ status: 429, headers, body: Buffer.from(JSON.stringify(error)) }, NOW);
}

it("takes the limits, the wait and the request id from the headers of a refusal", () => {
  const error = classify("This request would exceed your organization's rate limit of 50 requests per minute", {
    "retry-after": "7",
    "request-id": "req_2",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2026-11-30T20:00:30Z",
  });
  expect(error).toMatchObject({
    kind: "throttled",
    dimension: "requests",
    retryAfterMs: 7000,
    requestId: "req_2",
    limits: [{ dimension: "requests", limit: 50, remaining: 0, resetMs: 30_000 }],
  });
});

it.each([
  ["This request would exceed the rate limit for your organization of 20,000 input tokens per minute.", "tokens"],
  ["Number of request tokens has exceeded your per-minute rate limit", "tokens"],
  ["Number of concurrent connections has exceeded your rate limit", "concurrency"],
  ["Slow down", undefined],
])("finds the limit that is named by %s", (message, dimension) => {
  expect(classify(message)).toMatchObject({ kind: "throttled", dimension, requestId: "req_1" });
});
