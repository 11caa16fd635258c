import { ProviderError, type ProviderErrorDetails } from "#src/core/failures/errors.ts";
import { findLimitWindow } from "#src/core/failures/refused-limit.ts";
import type { RateDimension } from "#src/core/lane.ts";
import { CONTENT_FILTER_CLASS, classifyMessage, isInputTooLong } from "#src/providers/classify-message.ts";
import { isObject, type JsonObject, readField, readObject, readText } from "#src/providers/json-value.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import { classifyStatus, isDecisiveStatus } from "#src/providers/transport/classify-status.ts";
import { parseRateLimits } from "#src/providers/transport/rate-limit-headers.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpHeaders, HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { findRequestId } from "./chat/chat-dialect.ts";
import { COMMON_CODES } from "./error-codes.ts";
import { readGoogleDetails } from "./google-error.ts";
import type { CompatibleProfile, ErrorCodeClass } from "./profile.ts";

/**
 * The error that a body or a stream frame reports: `{error: {...}}`, `{error: "text"}`, or code and message at the top
 * level. Precedence: a precise code or type, a decisive HTTP status, phrases of the vendor's message, a vague code or
 * type, the status. A status in the body counts only if the HTTP status reports no error. The message contains none of
 * the upstream's text.
 */
export function classifyCompatibleBody(
  body: JsonObject,
  head: ResponseHead,
  now: number,
  profile: NamedErrorProfile,
): ProviderError {
  const headers = { ...readMetadataHeaders(body), ...head.headers };
  return classifyErrorFields(body, buildErrorDetails(profile, { ...head, headers }, now), profile);
}

/** The part of a profile that the classification of errors uses. */
export type ErrorProfile = Pick<CompatibleProfile, "envPrefix" | "codes">;
type NamedErrorProfile = ErrorProfile & Pick<CompatibleProfile, "name">;
export type ErrorBase = Omit<ProviderErrorDetails, "kind"> & { readonly status: number };

/** `classifyCompatibleBody` for providers with error details of their own; `base.status` is the HTTP status. */
export function classifyErrorFields(body: JsonObject, base: ErrorBase, profile: ErrorProfile): ProviderError {
  const error = readField(body, "error");
  const details = isObject(error) ? error : body;
  const google = readGoogleDetails(details);
  const codes = [
    readField(details, "code"),
    readField(body, "error_type"),
    ...google.reasons,
    readField(details, "status"),
    readField(details, "type"),
  ]
    .map(asCode)
    .filter((code) => code !== undefined);
  const status =
    base.status < 400 ? (codes.map(asStatus).find((code) => code !== undefined) ?? base.status) : base.status;
  const found = findListed(codes, status, profile);
  const shown = found?.code ?? codes[0];
  const common = {
    ...base,
    ...readProviderText(body),
    status,
    code: shown,
    retryAfterMs: base.retryAfterMs ?? google.retryDelayMs,
  };
  const text = common.providerMessage ?? "";
  const precise = isFlagged(details, status) ? CONTENT_FILTER_CLASS : found?.isVague ? undefined : found?.listed;
  if (precise) return errorFromClass(refineThrottle(precise, codes, text, google.quotaIds), shown, common, profile);
  const isDecisive = isDecisiveStatus(status) && status < 500 && status !== 413;
  const isAboutInput = status === 404 && isInputTooLong(text);
  const implied = isDecisive && !isAboutInput ? undefined : classifyMessage(text, status);
  if (implied) return errorFromClass(implied, shown, common, profile);
  if (isDecisiveStatus(status)) return errorFromStatus(status, { ...common, isUnlisted: !found }, profile);
  if (found) return errorFromClass(found.listed, shown, common, profile);
  if (status < 400) {
    const code = shown === undefined ? "no code" : `code ${shown}`;
    return new ProviderError(`the upstream reported an unknown error (${code})`, {
      ...common,
      kind: "server",
      isUnlisted: true,
    });
  }
  return errorFromStatus(status, { ...common, isUnlisted: true }, profile);
}

/** The error for a response without a result: another status, an HTML page, an empty or incomplete body. */
export function classifyCompatibleResponse(
  response: HttpResponse,
  now: number,
  profile: NamedErrorProfile,
  expected: string,
): ProviderError {
  const { status } = response;
  const object = parseErrorBody(response);
  if (object && (status !== 200 || looksLikeError(object)))
    return classifyCompatibleBody(object, response, now, profile);
  const common = buildErrorDetails(profile, response, now);
  if (status !== 200) return errorFromStatus(status, { ...common, isUnlisted: true }, profile);
  return new ProviderError(describeUnusableBody(response, object, expected), {
    ...common,
    kind: "bad-response",
    isUnlisted: true,
  });
}

function looksLikeError(body: JsonObject): boolean {
  const error = readField(body, "error");
  if (isObject(error) || (typeof error === "string" && error !== "")) return true;
  // Flat errors: {"code": 20012, "message": "..."}.
  return readField(body, "code") !== undefined && readText(body, "message") !== undefined;
}

/** OpenRouter passes on the headers of the vendor that refused a call. */
function readMetadataHeaders(body: JsonObject): HttpHeaders {
  const headers = readObject(readField(readField(body, "error"), "metadata"), "headers") ?? {};
  const entries = Object.entries(headers).filter(([, value]) => typeof value === "string" || typeof value === "number");
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** OpenRouter rejects a flagged input with 403 and states the reasons. */
function isFlagged(details: JsonObject, status: number): boolean {
  const reasons = readField(readField(details, "metadata"), "reasons");
  return status === 403 && Array.isArray(reasons) && reasons.length > 0;
}

interface FoundCode {
  readonly code: string;
  readonly listed: ErrorCodeClass;
  /** True when the HTTP status says more than the code. */
  readonly isVague: boolean;
}

/** The first precise code of a table, or else the first vague one. */
function findListed(codes: readonly string[], status: number, profile: ErrorProfile): FoundCode | undefined {
  const found = codes.flatMap((code): FoundCode[] => {
    const table = [profile.codes ?? {}, COMMON_CODES].find((one) => Object.hasOwn(one, code));
    const listed = table?.[code];
    if (!listed) return [];
    const isVague = listed.yieldsTo === "status" || (listed.yieldsTo === "server-status" && status >= 500);
    return [{ code, listed, isVague }];
  });
  return found.find(({ isVague }) => !isVague) ?? found[0];
}

/** The limit that a throttle answer names in its type (OpenAI), its text, or its quota ids (Google). */
function refineThrottle(
  listed: ErrorCodeClass,
  codes: readonly string[],
  text: string,
  quotaIds: string,
): ErrorCodeClass {
  if (listed.kind !== "throttled") return listed;
  const window = findLimitWindow(text) ?? findLimitWindow(quotaIds);
  const name = (counted: RateDimension): ErrorCodeClass => ({
    ...{ kind: listed.kind, dimension: counted, message: `too many ${counted} per ${window ?? "minute"}` },
    window,
  });
  if (listed.dimension === "requests" || listed.dimension === "tokens")
    return window === undefined || window === "minute" ? listed : name(listed.dimension);
  if (listed.dimension !== undefined) return { ...listed, window };
  if (
    codes.includes("tokens") ||
    /\btokens? (per |has exceeded)|\bTP[SMHD]\b/i.test(text) ||
    quotaIds.includes("TokensPer")
  )
    return name("tokens");
  if (codes.includes("requests") || /\brequests? per |\b[QR]P[SMHD]\b/i.test(text) || quotaIds.includes("RequestsPer"))
    return name("requests");
  if (/\bconcurrent (connections|requests)\b/i.test(text))
    return { kind: listed.kind, dimension: "concurrency", window, message: "too many calls at once" };
  return { ...listed, window };
}

type Common = Omit<ProviderErrorDetails, "kind">;

function errorFromClass(
  { kind, message, dimension, window, isSplittable }: Omit<ErrorCodeClass, "yieldsTo">,
  code: string | undefined,
  common: Common,
  profile: ErrorProfile,
): ProviderError {
  const shown = code === undefined ? "" : ` (code ${code})`;
  return new ProviderError(`${message}${shown}${hintFor(kind, profile)}`, {
    ...common,
    kind,
    dimension,
    window,
    isSplittable,
  });
}

function errorFromStatus(status: number, common: Common, profile: ErrorProfile): ProviderError {
  const { kind, message, isSplittable } = classifyStatus(status);
  return new ProviderError(`${message} (HTTP ${status})${hintFor(kind, profile)}`, {
    ...common,
    kind,
    isSplittable,
  });
}

function hintFor(kind: string, { envPrefix }: ErrorProfile): string {
  if (kind === "auth") return `: check ${envPrefix}_API_KEY, ${envPrefix}_BASE_URL and the model's name`;
  return kind === "quota" ? ": top up the account or raise its limit" : "";
}

function buildErrorDetails(profile: NamedErrorProfile, head: ResponseHead, now: number) {
  return {
    provider: profile.name,
    status: head.status,
    requestId: findRequestId(head.headers),
    retryAfterMs: parseRetryAfter(head.headers, now),
    limits: parseRateLimits(head.headers, now),
  };
}

/** A code is a word or a number. Anything longer is a message in the wrong field, which may quote the request. */
function asCode(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : undefined;
}

/** Some vendors respond with 200, also within a stream, and send the real status as a code. */
function asStatus(code: string): number | undefined {
  const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 0;
  return status >= 400 ? status : undefined;
}
