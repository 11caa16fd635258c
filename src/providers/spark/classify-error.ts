import { ProviderError, type ProviderErrorDetails } from "#src/core/errors.ts";
import { isObject, type JsonObject, parseObject } from "#src/providers/json-value.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpHeaders, HttpResponse } from "#src/providers/transport/transport.ts";
import { SPARK_CLOCK_TOLERANCE_MS, SPARK_CODES, SPARK_NAME } from "./profile.ts";

export interface CodeContext {
  readonly status?: number;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The error a non-zero `code` stands for. Only our table's words reach the message: the provider's may quote the request. */
export function createSparkCodeError(code: number, context: CodeContext = {}): ProviderError {
  const listed = Object.hasOwn(SPARK_CODES, code) ? SPARK_CODES[code] : undefined;
  const details = { ...buildErrorDetails(context), code: String(code) };
  if (!listed) {
    const byStatus = context.status !== undefined && context.status !== 200;
    return new ProviderError(`Spark reports an error that no table lists (code ${code})`, {
      ...details,
      kind: byStatus ? classifyStatus(context.status).kind : "server",
      isUnlisted: true,
    });
  }
  const hint = listed.hint === undefined ? "" : `: ${listed.hint}`;
  return new ProviderError(`${listed.message} (code ${code})${hint}`, {
    ...details,
    kind: listed.kind,
    ...(listed.dimension && { dimension: listed.dimension }),
    ...(details.retryAfterMs === undefined && listed.waitMs !== undefined && { retryAfterMs: listed.waitMs }),
  });
}

/**
 * The error of an HTTP answer that is no success: a refused handshake or signature, an error of the HTTP interface,
 * or something that is not Spark at all. A business code in its JSON counts for more than the status.
 */
export function classifySparkResponse(response: HttpResponse, now: number, cause?: unknown): ProviderError {
  const body = readBody(response.body);
  const context = {
    status: response.status,
    requestId: findRequestId(body, response.headers),
    retryAfterMs: parseRetryAfter(response.headers, now),
  };
  const code = body && findSparkCode(body);
  if (code !== undefined && code !== 0) return createSparkCodeError(code, context);
  const details = { ...buildErrorDetails(context), ...(cause !== undefined && { cause }) };
  if (isInvalidUser(body))
    return new ProviderError(
      "the API password was refused: check SPARK_API_PASSWORD, which is another one for each version",
      { ...details, kind: "auth" },
    );
  if (response.status === 401 || response.status === 403) return signatureError(response, details, now);
  if (response.status !== 200) {
    const { kind, message } = classifyStatus(response.status);
    return new ProviderError(`${message} (HTTP ${response.status})`, { ...details, kind, isUnlisted: true });
  }
  const message =
    response.body.length === 0
      ? "the answer is empty"
      : `the answer is ${body ? "JSON but holds no readable result" : "not a complete JSON object"} (${response.body.length} bytes)`;
  return new ProviderError(message, { ...details, kind: "bad-response", isUnlisted: true });
}

/** 401: unknown key, wrong secret, host or path. 403: the date of the signature, thus the clock. */
function signatureError(
  response: HttpResponse,
  details: Omit<ProviderErrorDetails, "kind">,
  now: number,
): ProviderError {
  const message =
    response.status === 403
      ? `the signature's date was refused (HTTP 403): the clock of this machine may differ from the provider's by at most ${SPARK_CLOCK_TOLERANCE_MS / 1000} s${measureSkew(response.headers, now)}: set the clock, or check the account if it is right`
      : "the signature was refused (HTTP 401): check SPARK_API_KEY and SPARK_API_SECRET, and that SPARK_BASE_URL leads to the provider with its path unchanged";
  return new ProviderError(message, { ...details, kind: "auth" });
}

function measureSkew(headers: HttpHeaders, now: number): string {
  const skewMs = now - Date.parse(String(headers.date));
  if (!(Math.abs(skewMs) >= 1000)) return "";
  return ` and is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead" : "behind"}`;
}

function buildErrorDetails({ status, requestId, retryAfterMs }: CodeContext) {
  return {
    provider: SPARK_NAME,
    ...(status !== undefined && { status }),
    ...(requestId !== undefined && { requestId }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** A session id fit for a log; the provider's support asks for it. */
export function readSid(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w@.:-]{1,128}$/.test(value) ? value : undefined;
}

/** An integer code, as a number or as text. */
export function readCode(value: unknown): number | undefined {
  const code = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof code === "number" && Number.isInteger(code) ? code : undefined;
}

/** `header.code` (frames, embeddings), a flat `code`, or `error.code` as text. */
export function findSparkCode(body: JsonObject): number | undefined {
  const header = isObject(body.header) ? readCode(body.header.code) : undefined;
  const error = isObject(body.error) ? readCode(body.error.code) : undefined;
  return header ?? readCode(body.code) ?? error;
}

function isInvalidUser(body: JsonObject | undefined): boolean {
  return isObject(body?.error) && body.error.message === "invalid user";
}

function findRequestId(body: JsonObject | undefined, headers: HttpHeaders): string | undefined {
  const header = isObject(body?.header) ? readSid(body.header.sid) : undefined;
  return header ?? readSid(body?.sid) ?? readSid(body?.Sid) ?? readSid(headers["x-request-id"]);
}

/** An error body is short; a large one is a broken success. */
function readBody(body: Buffer): JsonObject | undefined {
  return body.length > 1024 * 1024 ? undefined : parseObject(body.toString("utf8"));
}
