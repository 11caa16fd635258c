import { ProviderError } from "#src/core/failures/errors.ts";
import { classifyMessage } from "#src/providers/classify-message.ts";
import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { classifyErrorFields } from "#src/providers/openai-compatible/classify-error.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import type { StatusClass } from "#src/providers/transport/classify-status.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { ZHIPU_CODES, ZHIPU_NAME, ZHIPU_NAMED_CODES, type ZhipuErrorCode } from "./profile.ts";

/**
 * The error that a body or a stream frame reports: `{error: {code, message}}`, or code and text at the top level as in
 * the older interfaces. A code of Zhipu decides; any other error is classified as in the OpenAI protocol. The message contains none of
 * the upstream's text.
 */
export function classifyZhipuBody(body: JsonObject, head: ResponseHead, now: number): ProviderError {
  const code = findCode(body);
  const details = buildErrorDetails(body, head, now);
  const listed = code === undefined ? undefined : findListedCode(code);
  const implied = listed?.kind === "invalid-request" ? classifyMessage(details.providerMessage ?? "", 400) : undefined;
  if (implied) return new ProviderError(`${implied.message} (code ${code})`, { ...details, ...implied, code });
  if (listed) {
    const hint = listed.hint === undefined ? "" : `: ${listed.hint}`;
    return new ProviderError(`${listed.message} (code ${code})${hint}`, {
      ...details,
      kind: listed.kind,
      code,
      dimension: listed.dimension,
    });
  }
  const own = head.status === 200 ? undefined : ZHIPU_STATUSES[head.status];
  if (own) {
    const shown = code === undefined ? "without a code" : `code ${code}`;
    const message = `${own.message} (HTTP ${head.status}, ${shown})`;
    return new ProviderError(message, { ...details, kind: own.kind, isUnlisted: true, code });
  }
  return classifyErrorFields(body, details, { envPrefix: "ZHIPU" });
}

/** The error for a response without a result: another status, an HTML page, an empty or incomplete body. */
export function classifyZhipuResponse(response: HttpResponse, now: number): ProviderError {
  const body = parseErrorBody(response);
  const hasFailed = body !== undefined && (findCode(body) !== undefined || isObject(readField(body, "error")));
  if (hasFailed || response.status !== 200) return classifyZhipuBody(body ?? {}, response, now);
  return new ProviderError(describeUnusableBody(response, body, "a result"), {
    ...buildErrorDetails({}, response, now),
    kind: "bad-response",
    isUnlisted: true,
  });
}

function findListedCode(code: string): ZhipuErrorCode | undefined {
  if (Object.hasOwn(ZHIPU_CODES, code)) return ZHIPU_CODES[code];
  return Object.hasOwn(ZHIPU_NAMED_CODES, code) ? ZHIPU_NAMED_CODES[code] : undefined;
}

/** Statuses that only Zhipu defines. */
const ZHIPU_STATUSES: Readonly<Record<number, StatusClass>> = {
  434: { kind: "auth", message: "the account may not use this API" },
  435: { kind: "too-long", message: "the file is too large" },
};

function findCode(body: JsonObject): string | undefined {
  const error = readField(body, "error");
  const code = readField(isObject(error) ? error : body, "code");
  if (typeof code === "number" && Number.isSafeInteger(code)) return code === 200 ? undefined : String(code);
  return typeof code === "string" && /^[\w.-]{1,64}$/.test(code) ? code : undefined;
}

function buildErrorDetails(body: JsonObject, { status, headers }: ResponseHead, now: number) {
  const header = headers["x-log-id"] ?? headers["x-request-id"];
  const requestId = readText(body, "request_id") ?? (typeof header === "string" ? header : "");
  return {
    ...readProviderText(body),
    provider: ZHIPU_NAME,
    status,
    requestId: /^[\w.:-]{1,128}$/.test(requestId) ? requestId : undefined,
    retryAfterMs: parseRetryAfter(headers, now),
  };
}
