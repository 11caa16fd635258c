import { ProviderError } from "#src/core/errors.ts";
import { isObject, type JsonObject, parseObject, readField, readText } from "#src/providers/json-value.ts";
import { classifyStatus } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { ZHIPU_CODES, ZHIPU_NAME, ZHIPU_NAMED_CODES, type ZhipuErrorCode } from "./profile.ts";

/** An error body is short; a large one is a broken success. */
const MAX_ERROR_BYTES = 1024 * 1024;

/**
 * The error a body or a stream frame reports: `{error: {code, message}}`, or code and text at the top level as the
 * older interfaces do. The code decides and the status only where no table lists it. Only our own words reach the
 * message.
 */
export function classifyZhipuBody(body: JsonObject, head: ResponseHead, now: number): ProviderError {
  const code = findCode(body);
  const details = buildErrorDetails(body, head, now);
  const listed = code === undefined ? undefined : findListed(code);
  if (code !== undefined && listed) {
    const hint = listed.hint === undefined ? "" : `: ${listed.hint}`;
    return new ProviderError(`${listed.message} (code ${code})${hint}`, {
      ...details,
      kind: listed.kind,
      code,
      ...(listed.dimension && { dimension: listed.dimension }),
    });
  }
  const shown = code === undefined ? "without a code" : `code ${code}`;
  const status = head.status === 200 ? undefined : readStatus(head.status);
  return new ProviderError(
    `${status?.message ?? "Zhipu reports an error that no table lists"} (HTTP ${head.status}, ${shown})`,
    {
      ...details,
      kind: status?.kind ?? "server",
      isUnlisted: true,
      ...(code !== undefined && { code }),
      ...(status?.isSplittable && { isSplittable: true }),
    },
  );
}

/** The error of an answer that holds no result: another status, an HTML page, an empty or broken body. */
export function classifyZhipuResponse(response: HttpResponse, now: number): ProviderError {
  const { body, status } = response;
  const object = body.length > MAX_ERROR_BYTES ? undefined : parseObject(body.toString("utf8"));
  const failed = object !== undefined && (findCode(object) !== undefined || isObject(readField(object, "error")));
  if (object && (failed || status !== 200)) return classifyZhipuBody(object, response, now);
  if (status !== 200) return classifyZhipuBody({}, response, now);
  const message =
    body.length === 0
      ? "the answer is empty"
      : object === undefined
        ? `the answer is not a complete JSON object (${body.length} bytes)`
        : "the answer is JSON but holds no result";
  return new ProviderError(message, {
    ...buildErrorDetails({}, response, now),
    kind: "bad-response",
    isUnlisted: true,
  });
}

function findListed(code: string): ZhipuErrorCode | undefined {
  if (Object.hasOwn(ZHIPU_CODES, code)) return ZHIPU_CODES[code];
  return Object.hasOwn(ZHIPU_NAMED_CODES, code) ? ZHIPU_NAMED_CODES[code] : undefined;
}

/** Two statuses are Zhipu's own. */
function readStatus(status: number) {
  if (status === 434) return { kind: "auth", message: "the account may not use this API" } as const;
  if (status === 435) return { kind: "too-long", message: "the file is too large" } as const;
  return classifyStatus(status);
}

function findCode(body: JsonObject): string | undefined {
  const error = readField(body, "error");
  const code = readField(isObject(error) ? error : body, "code");
  if (typeof code === "number" && Number.isSafeInteger(code)) return code === 200 ? undefined : String(code);
  return typeof code === "string" && /^[\w.-]{1,64}$/.test(code) ? code : undefined;
}

function buildErrorDetails(body: JsonObject, head: ResponseHead, now: number) {
  const header = head.headers["x-log-id"] ?? head.headers["x-request-id"];
  const requestId = readText(body, "request_id") ?? (typeof header === "string" ? header : undefined);
  const retryAfterMs = parseRetryAfter(head.headers, now);
  return {
    provider: ZHIPU_NAME,
    status: head.status,
    ...(requestId !== undefined && /^[\w.:-]{1,128}$/.test(requestId) && { requestId }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
