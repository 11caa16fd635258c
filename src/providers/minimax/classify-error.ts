import { ProviderError } from "#src/core/errors.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpHeaders, HttpResponse } from "#src/providers/transport/transport.ts";
import { MINIMAX_CODES, MINIMAX_NAME } from "./profile.ts";

/**
 * The error a `base_resp` object reports; undefined when it reports success or is absent. Only our table's words
 * reach the message: `status_msg` may quote the request.
 */
export function classifyBaseResp(baseResp: unknown, response: HttpResponse, now: number): ProviderError | undefined {
  if (baseResp === undefined || baseResp === null) return undefined;
  const code = readCode(baseResp);
  if (code === undefined)
    return new ProviderError("the answer's base_resp has no status_code", {
      ...buildErrorDetails(response, now),
      kind: "bad-response",
    });
  return code === 0 ? undefined : classifyCode(code, response, now);
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
  const body = parseObject(response.body);
  const code = findCode(body);
  if (code !== undefined && code !== 0) return classifyCode(code, response, now);
  const details = { ...buildErrorDetails(response, now), cause, isUnlisted: true };
  if (response.status !== 200) {
    const { kind, message, isSplittable } = classifyStatus(response.status);
    return new ProviderError(`${message} (HTTP ${response.status})`, {
      ...details,
      kind,
      ...(isSplittable && { isSplittable }),
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

/** The id to quote to MiniMax's support, if the answer carries one. */
export function findRequestId(headers: HttpHeaders): string | undefined {
  for (const name of ["trace-id", "minimax-request-id", "x-request-id"]) {
    const value = headers[name];
    if (typeof value === "string" && /^[\w.:-]{1,128}$/.test(value)) return value;
  }
  return undefined;
}

/** The error of a business code, by the table; one that no table lists by status. */
export function classifyCode(code: number, response: HttpResponse, now: number): ProviderError {
  const listed = Object.hasOwn(MINIMAX_CODES, code) ? MINIMAX_CODES[code] : undefined;
  const details = { ...buildErrorDetails(response, now), code: String(code) };
  if (!listed)
    return new ProviderError(`MiniMax reports an error that no table lists (code ${code})`, {
      ...details,
      kind: response.status === 200 ? "server" : classifyStatus(response.status).kind,
      isUnlisted: true,
    });
  const hint = listed.hint === undefined ? "" : `: ${listed.hint}`;
  return new ProviderError(`${listed.message} (code ${code})${hint}`, {
    ...details,
    kind: listed.kind,
    ...(listed.dimension && { dimension: listed.dimension }),
  });
}

/** What every error of an answer says about it. */
export function buildErrorDetails(response: HttpResponse, now: number) {
  const requestId = findRequestId(response.headers);
  const retryAfterMs = parseRetryAfter(response.headers, now);
  return {
    provider: MINIMAX_NAME,
    status: response.status,
    ...(requestId !== undefined && { requestId }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** `base_resp.status_code`, or the number that ends the message of the OpenAI-shaped errors: "login fail (1004)". */
export function findCode(body: Record<string, unknown> | undefined): number | undefined {
  if (!body) return undefined;
  const code = readCode(body.base_resp);
  if (code !== undefined) return code;
  const error = body.error;
  if (typeof error !== "object" || error === null || !("message" in error)) return undefined;
  const digits = typeof error.message === "string" ? /\((\d{4})\)\s*$/.exec(error.message)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

function readCode(baseResp: unknown): number | undefined {
  if (typeof baseResp !== "object" || baseResp === null || !("status_code" in baseResp)) return undefined;
  const code = baseResp.status_code;
  const value = typeof code === "string" && /^\d{1,9}$/.test(code) ? Number(code) : code;
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  // An error body is short; a large one is a broken success whose vectors hold no code.
  if (body.length > 1024 * 1024) return undefined;
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function readContentType(headers: HttpHeaders): string {
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(String(headers["content-type"] ?? ""))?.[0];
  return type ?? "no content type";
}
