import { ProviderError, type ProviderErrorKind } from "#src/core/failures/errors.ts";
import { type JsonObject, parseObject, readObject, readText } from "#src/providers/json-value.ts";
import {
  buildErrorDetails,
  classifyBaseResp,
  classifyCode,
  classifyMinimaxResponse,
  findMinimaxCode,
} from "#src/providers/minimax/classify-error.ts";
import { reportsError } from "#src/providers/openai-compatible/chat-dialect.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";

/** Types of OpenAI-shaped errors, for errors whose message contains no code. */
const ERROR_TYPES: Readonly<Record<string, { readonly kind: ProviderErrorKind; readonly message: string }>> = {
  authorized_error: { kind: "auth", message: "the API key was rejected" },
  authentication_error: { kind: "auth", message: "the API key was rejected" },
  permission_error: { kind: "auth", message: "the key may not use this model" },
  rate_limit_error: { kind: "throttled", message: "too many requests" },
  insufficient_balance_error: { kind: "quota", message: "the account has no balance" },
  bad_request_error: { kind: "invalid-request", message: "the request was rejected as invalid" },
  invalid_request_error: { kind: "invalid-request", message: "the request was rejected as invalid" },
  overloaded_error: { kind: "overloaded", message: "the upstream is overloaded" },
  server_error: { kind: "server", message: "the upstream failed" },
  api_error: { kind: "server", message: "the upstream failed" },
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
  return findFailure(body, head, now) ?? createUnlistedError(head.status, head, now);
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
  if (code !== undefined && code !== 0) return classifyCode(code, head, now);
  const error = readObject(body, "error");
  const type = readText(error, "type") ?? "";
  const listed = Object.hasOwn(ERROR_TYPES, type) ? ERROR_TYPES[type] : undefined;
  // In a stream the HTTP status is 200; the error itself contains the real one as text.
  const status = head.status === 200 ? Number(readText(error, "http_code")) : head.status;
  if (!listed) return createUnlistedError(status, head, now);
  const { kind, message } = listed;
  return new ProviderError(`${message} (${type})`, { ...buildErrorDetails(head, now), kind, code: type });
}

function createUnlistedError(status: number, head: ResponseHead, now: number): ProviderError {
  return new ProviderError("MiniMax reported an unknown error", {
    ...buildErrorDetails(head, now),
    kind: status >= 300 ? classifyStatus(status).kind : "server",
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
