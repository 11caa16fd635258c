import { ProviderError, type ProviderErrorDetails } from "#src/core/failures/errors.ts";
import { isObject, type JsonObject } from "#src/providers/json-value.ts";
import { classifyErrorFields } from "#src/providers/openai-compatible/classify-error.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpHeaders, HttpResponse } from "#src/providers/transport/transport.ts";
import { SPARK_CLOCK_TOLERANCE_MS, SPARK_CODES, SPARK_NAME } from "./profile.ts";

interface CodeContext {
  readonly status?: number;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly providerMessage?: string | undefined;
  readonly param?: string | undefined;
}

/** The error for a non-zero `code`. The message contains none of the provider's text, which may quote the request. */
export function createSparkCodeError(code: number, context: CodeContext = {}): ProviderError {
  const listed = Object.hasOwn(SPARK_CODES, code) ? SPARK_CODES[code] : undefined;
  const details = { ...context, provider: SPARK_NAME, code: String(code) };
  if (!listed) {
    const hasErrorStatus = context.status !== undefined && context.status !== 200;
    return new ProviderError(`Spark reported an unknown error (code ${code})`, {
      ...details,
      kind: hasErrorStatus ? classifyStatus(context.status).kind : "server",
      isUnlisted: true,
    });
  }
  const hint = listed.hint === undefined ? "" : `: ${listed.hint}`;
  return new ProviderError(`${listed.message} (code ${code})${hint}`, {
    ...details,
    kind: listed.kind,
    dimension: listed.dimension,
    retryAfterMs: context.retryAfterMs ?? listed.waitMs,
  });
}

/**
 * The error for an HTTP response that is not a success: a rejected handshake or signature, an error of the HTTP interface,
 * or a response that is not from Spark. A business code in the JSON takes precedence over the status.
 */
export function classifySparkResponse(response: HttpResponse, now: number, cause?: unknown): ProviderError {
  const body = parseErrorBody(response);
  const context = {
    ...readProviderText(body),
    status: response.status,
    requestId: findRequestId(body, response.headers),
    retryAfterMs: parseRetryAfter(response.headers, now),
  };
  const code = body && findSparkCode(body);
  if (code !== undefined && code !== 0) return createSparkCodeError(code, context);
  const details = { ...context, provider: SPARK_NAME, cause };
  if (isInvalidUser(body))
    return new ProviderError(
      "the API password was rejected: check SPARK_API_PASSWORD, which differs between versions",
      { ...details, kind: "auth" },
    );
  if (response.status === 401 || response.status === 403) return createSignatureError(response, details, now);
  if (response.status !== 200 || isObject(body?.error))
    return classifyErrorFields(body ?? {}, details, { envPrefix: "SPARK" });
  return new ProviderError(describeUnusableBody(response, body, "a readable result"), {
    ...details,
    kind: "bad-response",
    isUnlisted: true,
  });
}

/** 401 means an unknown key or a wrong secret, host or path; 403 a wrong date, and thus a wrong clock. */
function createSignatureError(
  response: HttpResponse,
  details: Omit<ProviderErrorDetails, "kind">,
  now: number,
): ProviderError {
  const message =
    response.status === 403
      ? `the signature's date was rejected (HTTP 403): this machine's clock may differ from the provider's by at most ${SPARK_CLOCK_TOLERANCE_MS / 1000} s${describeClockSkew(response.headers, now)}: correct the clock, or check the account if the clock is right`
      : "the signature was rejected (HTTP 401): check SPARK_API_KEY and SPARK_API_SECRET, and that SPARK_BASE_URL reaches the provider with an unchanged path";
  return new ProviderError(message, { ...details, kind: "auth" });
}

function describeClockSkew(headers: HttpHeaders, now: number): string {
  const skewMs = now - Date.parse(String(headers.date));
  if (!(Math.abs(skewMs) >= 1000)) return "";
  return ` and is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead" : "behind"}`;
}

/** A session id that may be logged. The provider's support asks for it. */
export function readSid(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w@.:-]{1,128}$/.test(value) ? value : undefined;
}

/** An integer code, sent as a number or a string. */
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
