import { ProviderError } from "#src/core/failures/errors.ts";
import { isObject, type JsonObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import { classifyErrorFields } from "#src/providers/openai-compatible/classify-error.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import { parseRateLimits } from "#src/providers/transport/rate-limit-headers.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { ANTHROPIC_CODES, ANTHROPIC_NAME } from "./profile.ts";

/**
 * The error that a body or a stream event reports: `{type: "error", error: {type, message, details: {error_code}},
 * request_id}`. It is classified as in the OpenAI protocol, which has the same types; the error code is the most precise.
 */
export function classifyAnthropicBody(body: JsonObject, head: ResponseHead, now: number): ProviderError {
  const error = readField(body, "error");
  const code = readText(readObject(error, "details"), "error_code");
  const fields = isObject(error) && code !== undefined ? { ...body, error: { ...error, code } } : body;
  return classifyErrorFields(fields, buildErrorDetails(body, head, now), {
    envPrefix: ANTHROPIC_NAME.toUpperCase(),
    codes: ANTHROPIC_CODES,
  });
}

/** The error for a response without an answer: another status, an HTML page, an empty or incomplete body. */
export function classifyAnthropicResponse(response: HttpResponse, now: number): ProviderError {
  const body = parseErrorBody(response);
  if (response.status !== 200 || reportsAnthropicError(body)) return classifyAnthropicBody(body ?? {}, response, now);
  return new ProviderError(describeUnusableBody(response, body, "a message"), {
    ...buildErrorDetails(body ?? {}, response, now),
    ...readProviderText(body),
    kind: "bad-response",
    isUnlisted: true,
  });
}

/** Whether a body or an event is an error. Proxies leave out the type, or send the error as text. */
export function reportsAnthropicError(body: JsonObject | undefined): boolean {
  return readField(body, "type") === "error" || (readField(body, "error") ?? "") !== "";
}

export function readAnthropicRequestId(body: unknown, { headers }: ResponseHead): string | undefined {
  const id = readText(body, "request_id");
  return findRequestId(headers, ["request-id", "x-request-id"]) ?? (/^[\w-]{1,128}$/.test(id ?? "") ? id : undefined);
}

function buildErrorDetails(body: JsonObject, head: ResponseHead, now: number) {
  return {
    provider: ANTHROPIC_NAME,
    status: head.status,
    requestId: readAnthropicRequestId(body, head),
    retryAfterMs: parseRetryAfter(head.headers, now),
    limits: parseRateLimits(head.headers, now),
  };
}
