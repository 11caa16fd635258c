import { ProviderError } from "#src/core/errors.ts";
import { type JsonObject, parseObject, readField, readText } from "#src/providers/json-value.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat-dialect.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpHeaders, HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { MINIMAX_CODES, MINIMAX_NAME } from "./profile.ts";

/**
 * The error a `base_resp` object reports; undefined when it reports success or is absent. Only our table's words
 * reach the message: `status_msg` may quote the request.
 */
export function classifyBaseResp(baseResp: unknown, head: ResponseHead, now: number): ProviderError | undefined {
  if (baseResp === undefined || baseResp === null) return undefined;
  const code = readCode(baseResp);
  if (code === undefined)
    return new ProviderError("the answer's base_resp has no status_code", {
      ...buildErrorDetails(head, now),
      kind: "bad-response",
    });
  return code === 0 ? undefined : classifyCode(code, head, now);
}

/**
 * The error an answer stands for that is no success: another HTTP status, an HTML page, an empty or broken
 * body. A business code in its JSON counts for more than the status.
 */
export function classifyResponse(
  response: HttpResponse,
  now: number,
  cause?: unknown,
  /** What a success would have held. */
  expected: "vectors" | "answer" = "vectors",
): ProviderError {
  const body = response.body.length > MAX_ERROR_BYTES ? undefined : parseObject(response.body.toString("utf8"));
  const code = findCode(body);
  if (code !== undefined && code !== 0) return classifyCode(code, response, now);
  const details = { ...buildErrorDetails(response, now), cause, isUnlisted: true };
  if (response.status !== 200) {
    const { kind, message, isSplittable } = classifyStatus(response.status);
    return new ProviderError(`${message} (HTTP ${response.status})`, {
      ...details,
      kind,
      isSplittable,
    });
  }
  const size = `${response.body.length} bytes, ${readContentType(response.headers)}`;
  const message =
    response.body.length === 0
      ? "the answer is empty"
      : body === undefined
        ? `the answer is not a complete JSON object (${size})`
        : `the answer is JSON but holds no readable ${expected} (${size})`;
  return new ProviderError(message, { ...details, kind: "bad-response" });
}

/** Headers that may carry the request id that MiniMax's support asks for. */
export const REQUEST_ID_HEADERS = ["trace-id", "minimax-request-id", "x-request-id"];

/** The error of a business code, by the table; one that no table lists by status. */
export function classifyCode(code: number, head: ResponseHead, now: number): ProviderError {
  const listed = Object.hasOwn(MINIMAX_CODES, code) ? MINIMAX_CODES[code] : undefined;
  const details = { ...buildErrorDetails(head, now), code: String(code) };
  if (!listed)
    return new ProviderError(`MiniMax reports an error that no table lists (code ${code})`, {
      ...details,
      kind: head.status === 200 ? "server" : classifyStatus(head.status).kind,
      isUnlisted: true,
    });
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
export function findCode(body: JsonObject | undefined): number | undefined {
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

/** An error body is short; a larger body is an incomplete success and contains no code. */
const MAX_ERROR_BYTES = 1024 * 1024;

function readContentType(headers: HttpHeaders): string {
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(String(headers["content-type"] ?? ""))?.[0];
  return type ?? "no content type";
}
