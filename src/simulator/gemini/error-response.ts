import type { LimitName } from "#src/simulator/server/account.ts";
import { jsonResponse, type SimulatedResponse } from "#src/simulator/server/endpoint.ts";

const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

export function createGeminiErrorBody(code: number, message: string, details: readonly unknown[] = []) {
  const list = details.length > 0 ? { details } : {};
  return { error: { code, message, status: STATUSES[code] ?? "UNKNOWN", ...list } };
}

/** An error of a Google API. */
export function createGeminiErrorResponse(
  code: number,
  message: string,
  details?: readonly unknown[],
): SimulatedResponse {
  return jsonResponse(code, createGeminiErrorBody(code, message, details));
}

/** Gemini reports a wrong key as an invalid argument. */
export function invalidKeyResponse(): SimulatedResponse {
  return createGeminiErrorResponse(400, "API key not valid. Please pass a valid API key.", [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "API_KEY_INVALID",
      domain: "googleapis.com",
      metadata: { service: "generativelanguage.googleapis.com" },
    },
  ]);
}

const QUOTAS: Readonly<Record<LimitName, string>> = {
  requests: "GenerateRequestsPerMinutePerProjectPerModel",
  tokens: "GenerateContentInputTokensPerModelPerMinute",
  concurrency: "ConcurrentRequestsPerProject",
};

/** The wait is in the details, not in a header. */
export function createGeminiThrottleResponse(limit: LimitName): SimulatedResponse {
  return createGeminiErrorResponse(
    429,
    "You exceeded your current quota, please check your plan and billing details.",
    [
      { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId: QUOTAS[limit] }] },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1s" },
    ],
  );
}
