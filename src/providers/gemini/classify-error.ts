import { ProviderError } from "#src/core/failures/errors.ts";
import { isObject, type JsonObject, readField } from "#src/providers/json-value.ts";
import { findRequestId } from "#src/providers/openai-compatible/chat/chat-dialect.ts";
import { classifyErrorFields } from "#src/providers/openai-compatible/classify-error.ts";
import { readGoogleDetails } from "#src/providers/openai-compatible/google-error.ts";
import { describeUnusableBody, parseErrorBody, readProviderText } from "#src/providers/response-body.ts";
import { parseRetryAfter } from "#src/providers/transport/retry-after.ts";
import type { HttpResponse, ResponseHead } from "#src/providers/transport/transport.ts";
import { GEMINI_CODES, GEMINI_NAME } from "./profile.ts";

/** The error that a body or a frame reports: `{error: {code, message, status, details}}`. */
export function classifyGeminiBody(body: JsonObject, head: ResponseHead, now: number): ProviderError {
  const details = buildGeminiDetails(head, now);
  const retryAfterMs = findDailyReset(body, now) ?? details.retryAfterMs;
  return classifyErrorFields(
    body,
    { ...details, retryAfterMs },
    {
      envPrefix: GEMINI_NAME.toUpperCase(),
      codes: GEMINI_CODES,
    },
  );
}

const DAY_MS = 24 * 60 * 60 * 1000;
const PACIFIC_TIME = new Intl.DateTimeFormat("en-US", {
  timeZone: "America/Los_Angeles",
  hourCycle: "h23",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/**
 * The time until a quota per day is reset, at midnight Pacific time; undefined for other errors. Google sends a delay of
 * seconds with them, too. On the two days of a clock change, this is off by an hour.
 */
function findDailyReset(body: JsonObject, now: number): number | undefined {
  const error = readField(body, "error");
  if (!isObject(error) || !readGoogleDetails(error).quotaIds.includes("PerDay")) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = PACIFIC_TIME.format(now).split(":").map(Number);
  return DAY_MS - ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** The error for a response without an answer: another status, an HTML page, an empty or incomplete body. */
export function classifyGeminiResponse(response: HttpResponse, now: number, expected: string): ProviderError {
  const body = parseErrorBody(response);
  if (response.status !== 200 || reportsGeminiError(body)) return classifyGeminiBody(body ?? {}, response, now);
  return new ProviderError(describeUnusableBody(response, body, expected), {
    ...buildGeminiDetails(response, now),
    ...readProviderText(body),
    kind: "bad-response",
    isUnlisted: true,
  });
}

export function reportsGeminiError(body: JsonObject | undefined): boolean {
  const error = readField(body, "error");
  return isObject(error) || (typeof error === "string" && error !== "");
}

export function buildGeminiDetails({ status, headers }: ResponseHead, now: number) {
  return {
    provider: GEMINI_NAME,
    status,
    requestId: findRequestId(headers),
    retryAfterMs: parseRetryAfter(headers, now),
  };
}
