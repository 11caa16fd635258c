import type { LimitName } from "#src/simulator/server/account.ts";
import { jsonResponse, type SimulatedResponse } from "#src/simulator/server/endpoint.ts";

const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** The id of every simulated request, also in the header. */
export const REQUEST_ID = "req_011CSimulated";

export function createAnthropicErrorBody(status: number, message: string) {
  return { type: "error", error: { type: TYPES[status] ?? "api_error", message }, request_id: REQUEST_ID };
}

/** An error of the Messages API, with the type of its status. */
export function createAnthropicErrorResponse(status: number, message: string): SimulatedResponse {
  return withHeaders(
    jsonResponse(status, createAnthropicErrorBody(status, message)),
    status === 429 ? { "retry-after": "1" } : {},
  );
}

const LIMITS: Readonly<Record<LimitName, string>> = {
  requests: "This request would exceed your organization's rate limit of requests per minute",
  tokens: "This request would exceed your organization's rate limit of input tokens per minute",
  concurrency: "Number of concurrent connections has exceeded your rate limit",
};

export function createAnthropicThrottleResponse(limit: LimitName): SimulatedResponse {
  return createAnthropicErrorResponse(429, LIMITS[limit]);
}

export function withHeaders(response: SimulatedResponse, headers: Readonly<Record<string, string>>): SimulatedResponse {
  return { ...response, headers: { ...response.headers, "request-id": REQUEST_ID, ...headers } };
}
