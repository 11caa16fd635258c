import { ProviderError, type ProviderErrorKind } from "#src/core/errors.ts";
import {
  buildErrorDetails,
  classifyBaseResp,
  classifyCode,
  classifyResponse,
  findCode,
} from "#src/providers/minimax/classify-error.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import type { HttpResponse } from "#src/providers/transport/transport.ts";
import { asObject, asText } from "./answer-frame.ts";

/** What an OpenAI-shaped error says by its type, where its message names no code. */
const TYPES: Readonly<Record<string, { readonly kind: ProviderErrorKind; readonly message: string }>> = {
  authorized_error: { kind: "auth", message: "the API key was refused" },
  authentication_error: { kind: "auth", message: "the API key was refused" },
  permission_error: { kind: "auth", message: "the key may not use this model" },
  rate_limit_error: { kind: "throttled", message: "too many requests" },
  insufficient_balance_error: { kind: "quota", message: "the account has no balance" },
  bad_request_error: { kind: "invalid-request", message: "the request was refused as invalid" },
  invalid_request_error: { kind: "invalid-request", message: "the request was refused as invalid" },
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
 * The failure that a parsed answer or frame reports: its `base_resp`, an OpenAI-shaped `error`, or a mark of the
 * content filter. Undefined when it reports none.
 */
export function findFailure(
  json: Record<string, unknown>,
  response: HttpResponse,
  now: number,
): ProviderError | undefined {
  return (
    classifyBaseResp(json.base_resp, response, now) ??
    classifyErrorObject(json, response, now) ??
    classifySensitive(json, response, now)
  );
}

/** The error of an answer that is no answer of a model; a success of the wrong form is `bad-response`. */
export function classifyChatResponse(
  json: Record<string, unknown> | undefined,
  response: HttpResponse,
  now: number,
): ProviderError {
  return (json && findFailure(json, response, now)) ?? classifyResponse(response, now, undefined, "answer");
}

function classifyErrorObject(
  json: Record<string, unknown>,
  response: HttpResponse,
  now: number,
): ProviderError | undefined {
  const error = asObject(json.error);
  if (!error && json.type !== "error") return undefined;
  const code = findCode(json);
  if (code !== undefined && code !== 0) return classifyCode(code, response, now);
  const type = asText(error?.type);
  const listed = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  // In a stream the status is 200, and the real one stands in the error as text.
  const status = response.status === 200 ? Number(asText(error?.http_code)) : response.status;
  const { kind, message } = listed ?? classifyStatus(status);
  return new ProviderError(listed ? `${message} (${type})` : "MiniMax reports an error that no table lists", {
    ...buildErrorDetails(response, now),
    kind: listed || status >= 300 ? kind : "server",
    ...(listed ? { code: type } : { isUnlisted: true }),
  });
}

function classifySensitive(
  json: Record<string, unknown>,
  response: HttpResponse,
  now: number,
): ProviderError | undefined {
  for (const side of ["input", "output"] as const) {
    if (json[`${side}_sensitive`] !== true) continue;
    const type = Number(json[`${side}_sensitive_type`]);
    const name = Object.hasOwn(SENSITIVE_TYPES, type) ? `: ${SENSITIVE_TYPES[type]}` : "";
    return new ProviderError(`the ${side} was marked by the content filter${name}`, {
      ...buildErrorDetails(response, now),
      kind: "content-filter",
      code: `${side}_sensitive`,
    });
  }
  return undefined;
}
