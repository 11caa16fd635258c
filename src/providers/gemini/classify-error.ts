import { ProviderError } from "#src/core/failures/errors.ts";
import { isObject, type JsonObject, readField } from "#src/providers/json-value.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import { classifyErrorFields } from "#src/providers/openai-compatible/classify-error.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { GEMINI_CODES, GEMINI_NAME } from "./profile.ts";

/** The error that a body or a frame reports: `{error: {code, message, status, details}}`. */
export function classifyGeminiBody(body: JsonObject, head: ResponseHead, now: number): ProviderError {
  return classifyErrorFields(body, buildGeminiDetails(head, now), {
    envPrefix: GEMINI_NAME.toUpperCase(),
    codes: GEMINI_CODES,
  });
}

/** The error for a response without an answer: another status, an HTML page, an empty or incomplete body. */
export function classifyGeminiResponse(response: HttpResponse, now: number, expected: string): ProviderError {
  const body = parseErrorBody(response);
  if (response.status !== 200 || reportsGeminiError(body)) return classifyGeminiBody(body ?? {}, response, now);
  return new ProviderError(describeUnusableBody(response, body, expected), {
    ...buildGeminiDetails(response, now),
    ...readProviderText(body),
    kind: "bad-response",
    isUnlisted: true,
  });
}

export function reportsGeminiError(body: JsonObject | undefined): boolean {
  const error = readField(body, "error");
  return isObject(error) || (typeof error === "string" && error !== "");
}

export function buildGeminiDetails({ status, headers }: ResponseHead, now: number) {
  return {
    provider: GEMINI_NAME,
    status,
    requestId: findRequestId(headers),
    retryAfterMs: parseRetryAfter(headers, now),
  };
}
