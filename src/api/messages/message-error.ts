import type { ApiError } from "#src/api/http/api-error.ts";

const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

/** The body of an error in Anthropic's format. */
export function writeMessageError({ status, details }: ApiError, requestId: string) {
  const type = TYPES[status] ?? (status < 500 ? "invalid_request_error" : "api_error");
  return { type: "error", error: { type, message: details.message }, request_id: requestId };
}

/** Whether the clients of a route expect this format. */
export function isMessageRoute(url: string | undefined): boolean {
  return url?.startsWith("/v1/messages") ?? false;
}
