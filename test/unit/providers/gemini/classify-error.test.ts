import { expect, it } from "vitest";
import { classifyGeminiBody } from "#src/providers/gemini/classify-error.ts";

const NOON_PACIFIC = Date.parse("2026-11-30T20:00:00Z");

function classify(quotaId: string) {
  const details = [
    { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId }] },
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "12.5s" },
  ];
  const error = { code: 429, message: "You exceeded your current quota", status: "RESOURCE_EXHAUSTED", details };
  return classifyGeminiBody({ error }, { status: 429, headers: {} }, NOON_PACIFIC);
}

it("waits as long as Google says after a refusal of a minute's quota", () => {
  expect(classify("GenerateRequestsPerMinutePerProjectPerModel")).toMatchObject({
    kind: "throttled",
    dimension: "requests",
    retryAfterMs: 12_500,
    providerMessage: "You exceeded your current quota",
  });
  expect(classify("GenerateContentInputTokensPerModelPerMinute")).toMatchObject({ dimension: "tokens" });
});

it("waits until midnight in California after a refusal of a day's quota", () => {
  expect(classify("GenerateRequestsPerDayPerProjectPerModel-FreeTier").retryAfterMs).toBe(12 * 3_600_000);
});
