import { ProviderError } from "#src/core/failures/errors.ts";
import { classifyMessage } from "#src/providers/classify-message.ts";
import { type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { MINIMAX_CODES, MINIMAX_NAME } from "./profile.ts";

/**
 * The error that a `base_resp` object reports; undefined when it reports success or is absent. The message does not contain
 * `status_msg`, which may quote the request.
 */
export function classifyBaseResp(baseResp: unknown, head: ResponseHead, now: number): ProviderError | undefined {
  if (baseResp === undefined || baseResp === null) return undefined;
  const code = readCode(baseResp);
  if (code === undefined)
    return new ProviderError("the base_resp of the response has no status_code", {
      ...buildErrorDetails(head, now),
      kind: "bad-response",
    });
  return code === 0 ? undefined : classifyCode(code, head, now, readText(baseResp, "status_msg"));
}

/**
 * The error for a response that is not a success: another HTTP status, an HTML page, an empty or incomplete body. A
 * business code in the JSON takes precedence over the status. `expected` names the missing result.
 */
export function classifyMinimaxResponse(
  response: HttpResponse,
  now: number,
  cause?: unknown,
  expected = "readable vectors",
): ProviderError {
  const body = parseErrorBody(response);
  const code = findMinimaxCode(body);
  if (code !== undefined && code !== 0)
    return classifyCode(code, response, now, readProviderText(body).providerMessage);
  const details = { ...buildErrorDetails(response, now), ...readProviderText(body), cause, isUnlisted: true };
  if (response.status !== 200) {
    const { kind, message, isSplittable } = classifyStatus(response.status);
    return new ProviderError(`${message} (HTTP ${response.status})`, {
      ...details,
      kind,
      isSplittable,
    });
  }
  return new ProviderError(describeUnusableBody(response, body, expected), { ...details, kind: "bad-response" });
}

/** Headers that may carry the request id that MiniMax's support asks for. */
export const REQUEST_ID_HEADERS = ["trace-id", "minimax-request-id", "x-request-id"];

/**
 * The error of a business code; the kind of an unknown code follows from the status. `text` is the upstream's message: 2013
 * covers several causes that only the message distinguishes.
 */
export function classifyCode(code: number, head: ResponseHead, now: number, text = ""): ProviderError {
  const listed = Object.hasOwn(MINIMAX_CODES, code) ? MINIMAX_CODES[code] : undefined;
  const details = {
    ...buildErrorDetails(head, now),
    code: String(code),
    providerMessage: text === "" ? undefined : text,
  };
  if (!listed)
    return new ProviderError(`MiniMax reported an unknown error (code ${code})`, {
      ...details,
      kind: head.status === 200 ? "server" : classifyStatus(head.status).kind,
      isUnlisted: true,
    });
  const implied = listed.kind === "invalid-request" ? classifyMessage(text, 400) : undefined;
  if (implied) return new ProviderError(`${implied.message} (code ${code})`, { ...details, ...implied });
  const hint = listed.hint === undefined ? "" : `: ${listed.hint}`;
  return new ProviderError(`${listed.message} (code ${code})${hint}`, {
    ...details,
    kind: listed.kind,
    dimension: listed.dimension,
  });
}

/** Details that every error of a response has. */
export function buildErrorDetails({ status, headers }: ResponseHead, now: number) {
  return {
    provider: MINIMAX_NAME,
    status,
    requestId: findRequestId(headers, REQUEST_ID_HEADERS),
    retryAfterMs: parseRetryAfter(headers, now),
  };
}

/** `base_resp.status_code`, or the number at the end of an OpenAI-shaped error's message: "login fail (1004)". */
export function findMinimaxCode(body: JsonObject | undefined): number | undefined {
  const code = readCode(readField(body, "base_resp"));
  if (code !== undefined) return code;
  const message = readText(readField(body, "error"), "message") ?? "";
  const digits = /\((\d{4})\)\s*$/.exec(message)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function readCode(baseResp: unknown): number | undefined {
  const code = readField(baseResp, "status_code");
  const value = typeof code === "string" && /^\d{1,9}$/.test(code) ? Number(code) : code;
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}
