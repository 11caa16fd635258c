import { ProviderError, type ProviderErrorDetails } from "#src/core/errors.ts";
import { isObject, type JsonObject, parseObject, readField, readText } from "#src/providers/json-value.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpHeaders, HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { findRequestId } from "./chat-dialect.ts";
import { COMMON_CODES } from "./error-codes.ts";
import type { CompatibleProfile, ErrorCodeClass } from "./profile.ts";

/** An error body is short; a large one is a broken success. */
const MAX_ERROR_BYTES = 1024 * 1024;

/**
 * The error that a body or a stream frame reports: `{error: {...}}`, `{error: "text"}`, or code and message at the top
 * level. The code decides, then the type, then a code that is an HTTP status, then the status itself. Only our own
 * words reach the message.
 */
export function classifyErrorBody(
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
  const common = {
    ...buildErrorDetails(profile, { ...head, status }, now),
    ...(shown !== undefined && { code: shown }),
  };
  const text = readText(details, "message") ?? (typeof error === "string" ? error : "");
  const listed = refineErrorClass(findListed(codes, profile), codes, status, text);
  if (listed) return errorFromClass(listed, shown, common, profile);
  if (status < 400) {
    const code = shown === undefined ? "no code" : `code ${shown}`;
    return new ProviderError(`the answer reports an error that no table lists (${code})`, {
      ...common,
      kind: "server",
      isUnlisted: true,
    });
  }
  return errorFromStatus(status, common, profile);
}

/** The error of an answer that holds no result: another status, an HTML page, an empty or broken body. */
export function classifyResponse(
  response: HttpResponse,
  now: number,
  profile: CompatibleProfile,
  expected: string,
): ProviderError {
  const { body, status } = response;
  const object = body.length > MAX_ERROR_BYTES ? undefined : parseObject(body.toString("utf8"));
  if (object && (status !== 200 || looksLikeError(object))) return classifyErrorBody(object, response, now, profile);
  const common = buildErrorDetails(profile, response, now);
  if (status !== 200) return errorFromStatus(status, common, profile);
  const size = `${body.length} bytes, ${readContentType(response.headers)}`;
  const message =
    body.length === 0
      ? "the answer is empty"
      : object === undefined
        ? `the answer is not a complete JSON object (${size})`
        : `the answer is JSON but holds no ${expected} (${size})`;
  return new ProviderError(message, { ...common, kind: "bad-response", isUnlisted: true });
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

/** Vague classes, and answers no table lists, are told apart by what the vendors' texts have in common. */
function refineErrorClass(
  listed: ErrorCodeClass | undefined,
  codes: readonly string[],
  status: number,
  text: string,
): ErrorCodeClass | undefined {
  const kind = listed?.kind;
  // OpenAI names the exhausted limit in the type beside the code.
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
    ...(dimension && { dimension }),
    ...(isSplittable && { isSplittable }),
  });
}

function errorFromStatus(status: number, common: Common, profile: CompatibleProfile): ProviderError {
  const { kind, message, isSplittable } = classifyStatus(status);
  return new ProviderError(`${message} (HTTP ${status})${hintFor(kind, profile)}`, {
    ...common,
    kind,
    isUnlisted: true,
    ...(isSplittable && { isSplittable }),
  });
}

function hintFor(kind: string, { envPrefix }: CompatibleProfile): string {
  if (kind === "auth") return `: check ${envPrefix}_API_KEY, ${envPrefix}_BASE_URL and the model's name`;
  return kind === "quota" ? ": top up the account or raise its limit" : "";
}

function buildErrorDetails(profile: CompatibleProfile, head: ResponseHead, now: number) {
  const requestId = findRequestId(head.headers);
  const retryAfterMs = parseRetryAfter(head.headers, now);
  return {
    provider: profile.name,
    status: head.status,
    ...(requestId !== undefined && { requestId }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** A code is a word or a number; anything longer is a message in the wrong place and may quote the request. */
function asCode(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value) ? value : undefined;
}

/** Some vendors answer 200 first and put the status into the body. */
function asStatus(code: string): number | undefined {
  const status = /^[1-5]\d\d$/.test(code) ? Number(code) : 0;
  return status >= 400 ? status : undefined;
}

function readContentType(headers: HttpHeaders): string {
  return /^[\w.+-]+\/[\w.+-]+/.exec(String(headers["content-type"] ?? ""))?.[0] ?? "no content type";
}
