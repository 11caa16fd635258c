import { appendProviderText } from "#src/core/failures/provider-text.ts";
import type { Failure, FailureKind } from "#src/core/item.ts";
import { ApiError, type ApiErrorDetails } from "./api-error.ts";

type Outcome = Pick<ApiErrorDetails, "status" | "type"> & { readonly code: string };

/**
 * What a client learns about an item that failed. Every item was retried before it failed, so that the official clients'
 * own retries would only pay again: `x-should-retry` switches them off.
 */
const OUTCOMES: Readonly<Record<FailureKind, Outcome>> = {
  "invalid-request": { status: 400, type: "invalid_request_error", code: "invalid_request" },
  "too-long": { status: 400, type: "invalid_request_error", code: "context_length_exceeded" },
  "content-filter": { status: 400, type: "invalid_request_error", code: "content_filter" },
  throttled: { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" },
  quota: { status: 429, type: "insufficient_quota", code: "insufficient_quota" },
  auth: { status: 502, type: "server_error", code: "provider_refused_key" },
  overloaded: { status: 503, type: "server_error", code: "provider_overloaded" },
  server: { status: 502, type: "server_error", code: "provider_error" },
  timeout: { status: 504, type: "server_error", code: "provider_timeout" },
  network: { status: 502, type: "server_error", code: "provider_unreachable" },
  "bad-response": { status: 502, type: "server_error", code: "provider_bad_response" },
  aborted: { status: 502, type: "server_error", code: "aborted" },
  "crash-loop": { status: 500, type: "server_error", code: "crash_loop" },
  cancelled: { status: 409, type: "invalid_request_error", code: "cancelled" },
  expired: { status: 504, type: "server_error", code: "expired" },
};

/** The error of an item that ended without a result, with the provider's own message where there is one. */
export function failureToError({ kind, code, message, param, providerMessage }: Failure): ApiError {
  const { code: ownCode, ...outcome } = OUTCOMES[kind];
  const isOfRequest = outcome.status === 400;
  return new ApiError({
    ...outcome,
    // A code of the provider's describes the request; one about our account would mislead the caller.
    code: isOfRequest ? (code ?? ownCode) : ownCode,
    message: appendProviderText(message, { providerMessage }),
    shouldRetry: false,
    ...(param === undefined ? {} : { param }),
  });
}
