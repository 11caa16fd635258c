import { ProviderError } from "#src/core/failures/errors.ts";
import { type JsonObject, parseObject, readObject, readText } from "#src/providers/json-value.ts";
import {
  buildErrorDetails,
  classifyBaseResp,
  classifyCode,
  classifyMinimaxResponse,
  findMinimaxCode,
} from "#src/providers/minimax/classify-error.ts";
import { reportsError } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import { classifyErrorFields } from "#src/providers/openai-compatible/classify-error.ts";
import type { ErrorCodeClass } from "#src/providers/openai-compatible/profile.ts";
import { readProviderText } from "#src/providers/response-body.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";

/** Types of OpenAI-shaped errors, for errors whose message contains no code; others are in the common table. */
const ERROR_TYPES: Readonly<Record<string, ErrorCodeClass>> = {
  authorized_error: { kind: "auth", message: "the API key was rejected" },
  permission_error: { kind: "auth", message: "the key may not use this model" },
  insufficient_balance_error: { kind: "quota", message: "the account has no balance" },
  bad_request_error: { kind: "invalid-request", message: "the request was rejected as invalid", yieldsTo: "status" },
  api_error: { kind: "server", message: "the upstream failed", yieldsTo: "status" },
};

const SENSITIVE_TYPES: Readonly<Record<number, string>> = {
  1: "severe violation",
  2: "pornography",
  3: "advertising",
  4: "prohibited matter",
  5: "abuse",
  6: "violence",
  7: "other",
};

/**
 * The failure that a parsed answer or frame reports: its `base_resp`, an OpenAI-shaped `error`, or a content filter
 * flag. Undefined when it reports none.
 */
export function findFailure(body: JsonObject, head: ResponseHead, now: number): ProviderError | undefined {
  return (
    classifyBaseResp(body.base_resp, head, now) ??
    classifyErrorObject(body, head, now) ??
    classifySensitive(body, head, now)
  );
}

/** The error for a body or frame that is known to report one. */
export function classifyChatBody(body: JsonObject, head: ResponseHead, now: number): ProviderError {
  return findFailure(body, head, now) ?? createUnlistedError(head, now);
}

/** The error for a response that contains no chat answer; one that reports no failure either is `bad-response`. */
export function classifyChatResponse(response: HttpResponse, now: number): ProviderError {
  const body = parseObject(response.body.toString("utf8"));
  return (
    (body && findFailure(body, response, now)) ?? classifyMinimaxResponse(response, now, undefined, "a readable answer")
  );
}

function classifyErrorObject(body: JsonObject, head: ResponseHead, now: number): ProviderError | undefined {
  if (!reportsError(body) && body.type !== "error") return undefined;
  const code = findMinimaxCode(body);
  if (code !== undefined && code !== 0) return classifyCode(code, head, now, readProviderText(body).providerMessage);
  // In a stream the HTTP status is 200; the error itself contains the real one as text.
  const status = head.status === 200 ? Number(readText(readObject(body, "error"), "http_code") ?? 200) : head.status;
  return classifyErrorFields(
    body,
    { ...buildErrorDetails(head, now), status },
    { envPrefix: "MINIMAX", codes: ERROR_TYPES },
  );
}

function createUnlistedError(head: ResponseHead, now: number): ProviderError {
  return new ProviderError("MiniMax reported an unknown error", {
    ...buildErrorDetails(head, now),
    kind: head.status >= 300 ? classifyStatus(head.status).kind : "server",
    isUnlisted: true,
  });
}

function classifySensitive(body: JsonObject, head: ResponseHead, now: number): ProviderError | undefined {
  for (const side of ["input", "output"] as const) {
    if (body[`${side}_sensitive`] !== true) continue;
    const type = Number(body[`${side}_sensitive_type`]);
    const name = Object.hasOwn(SENSITIVE_TYPES, type) ? `: ${SENSITIVE_TYPES[type]}` : "";
    return new ProviderError(`the ${side} was marked by the content filter${name}`, {
      ...buildErrorDetails(head, now),
      kind: "content-filter",
      code: `${side}_sensitive`,
    });
  }
  return undefined;
}
