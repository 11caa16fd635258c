import { ProviderError, type ProviderErrorDetails } from "#src/core/failures/errors.ts";
import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { describeUnusableBody, parseErrorBody } from "#src/providers/response-body.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { findRequestId } from "./chat-dialect.ts";
import { COMMON_CODES } from "./error-codes.ts";
import type { CompatibleProfile, ErrorCodeClass } from "./profile.ts";

/**
 * The error that a body or a stream frame reports: `{error: {...}}`, `{error: "text"}`, or code and message at the top
 * level. The code decides, then the type, then a code that is an HTTP status, then the status itself. The message
 * contains none of the upstream's text.
 */
export function classifyCompatibleBody(
  body: JsonObject,
  head: ResponseHead,
  now: number,
  profile: CompatibleProfile,
): ProviderError {
  const error = readField(body, "error");
  const details = isObject(error) ? error : body;
  const codes = [readField(details, "code"), readField(body, "error_type"), readField(details, "type")]
    .map(asCode)
    .filter((code) => code !== undefined);
  const status = codes.map(asStatus).find((code) => code !== undefined) ?? head.status;
  const [shown] = codes;
  const common = { ...buildErrorDetails(profile, { ...head, status }, now), code: shown };
  const text = readText(details, "message") ?? (typeof error === "string" ? error : "");
  const listed = refineErrorClass(findListed(codes, profile), codes, status, text);
  if (listed) return errorFromClass(listed, shown, common, profile);
  if (status < 400) {
    const code = shown === undefined ? "no code" : `code ${shown}`;
    return new ProviderError(`the upstream reported an unknown error (${code})`, {
      ...common,
      kind: "server",
      isUnlisted: true,
    });
  }
  return errorFromStatus(status, common, profile);
}

/** The error for a response without a result: another status, an HTML page, an empty or incomplete body. */
export function classifyCompatibleResponse(
  response: HttpResponse,
  now: number,
  profile: CompatibleProfile,
  expected: string,
): ProviderError {
  const { status } = response;
  const object = parseErrorBody(response);
  if (object && (status !== 200 || looksLikeError(object)))
    return classifyCompatibleBody(object, response, now, profile);
  const common = buildErrorDetails(profile, response, now);
  if (status !== 200) return errorFromStatus(status, common, profile);
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

function findListed(codes: readonly string[], profile: CompatibleProfile): ErrorCodeClass | undefined {
  for (const code of codes) {
    for (const table of [profile.codes ?? {}, COMMON_CODES]) if (Object.hasOwn(table, code)) return table[code];
  }
  return undefined;
}

const TOO_LONG =
  /maximum context length|context[ _-]?(length|window)|(prompt|input|message)s? (is|are) too long|exceeds? .{0,40}(context|max(imum)?[ _]tokens)|reduce the length/i;
const BATCH_SIZE = /batch size|too many inputs|array too long|max_batch|maximum allowed batch/i;

/** Refines vague classes and unknown codes by phrases that the vendors' error texts have in common. */
function refineErrorClass(
  listed: ErrorCodeClass | undefined,
  codes: readonly string[],
  status: number,
  text: string,
): ErrorCodeClass | undefined {
  const kind = listed?.kind;
  // OpenAI names the exhausted limit in the type, in addition to the code.
  if (kind === "throttled" && listed?.dimension === undefined) {
    if (codes.includes("tokens") || /\btokens? per min|\bTPM\b/i.test(text))
      return { ...COMMON_CODES.tokens, kind, message: "too many tokens per minute" };
    if (codes.includes("requests") || /\brequests? per min|\bRPM\b/i.test(text))
      return { ...COMMON_CODES.requests, kind, message: "too many requests per minute" };
  }
  const vague = kind === undefined || kind === "invalid-request";
  if (!vague || (status < 400 ? status !== 200 : status >= 500)) return listed;
  if (status === 413 || BATCH_SIZE.test(text))
    return { kind: "too-long", message: "the request is too large", isSplittable: true };
  return TOO_LONG.test(text) ? { kind: "too-long", message: "the input is too long for the model" } : listed;
}

type Common = Omit<ProviderErrorDetails, "kind">;

function errorFromClass(
  { kind, message, dimension, isSplittable }: ErrorCodeClass,
  code: string | undefined,
  common: Common,
  profile: CompatibleProfile,
): ProviderError {
  const shown = code === undefined ? "" : ` (code ${code})`;
  return new ProviderError(`${message}${shown}${hintFor(kind, profile)}`, {
    ...common,
    kind,
    dimension,
    isSplittable,
  });
}

function errorFromStatus(status: number, common: Common, profile: CompatibleProfile): ProviderError {
  const { kind, message, isSplittable } = classifyStatus(status);
  return new ProviderError(`${message} (HTTP ${status})${hintFor(kind, profile)}`, {
    ...common,
    kind,
    isUnlisted: true,
    isSplittable,
  });
}

function hintFor(kind: string, { envPrefix }: CompatibleProfile): string {
  if (kind === "auth") return `: check ${envPrefix}_API_KEY, ${envPrefix}_BASE_URL and the model's name`;
  return kind === "quota" ? ": top up the account or raise its limit" : "";
}

function buildErrorDetails(profile: CompatibleProfile, head: ResponseHead, now: number) {
  return {
    provider: profile.name,
    status: head.status,
    requestId: findRequestId(head.headers),
    retryAfterMs: parseRetryAfter(head.headers, now),
  };
}

/** A code is a word or a number. Anything longer is a message in the wrong field, which may quote the request. */
function asCode(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : undefined;
}

/** Some vendors respond with 200 and send the real status as a code. */
function asStatus(code: string): number | undefined {
  const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 0;
  return status >= 400 ? status : undefined;
}
