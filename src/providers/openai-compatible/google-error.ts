import { isObject, type JsonObject, readField, readText } from "#src/providers/json-value.ts";
import { parseVendorDuration } from "#src/providers/transport/vendor-duration.ts";

/** The parts of `error.details` of a Google API that the classification uses. */
export interface GoogleDetails {
  /** `ErrorInfo.reason`, such as API_KEY_INVALID. */
  readonly reasons: readonly unknown[];
  /** `RetryInfo.retryDelay` in ms. */
  readonly retryDelayMs?: number;
  /** `QuotaFailure.violations[].quotaId`, joined. */
  readonly quotaIds: string;
}

/** Reads the error details that Gemini's OpenAI endpoint sends; empty for errors of other vendors. */
export function readGoogleDetails(error: JsonObject): GoogleDetails {
  const details = readField(error, "details");
  const entries = Array.isArray(details) ? details.filter(isObject) : [];
  const violations = entries.flatMap((entry) => readField(entry, "violations") ?? []);
  const delay = entries.map((entry) => readText(entry, "retryDelay")).find((text) => text !== undefined);
  return {
    reasons: entries.map((entry) => readField(entry, "reason")),
    retryDelayMs: parseVendorDuration(delay),
    quotaIds: violations.map((violation) => readText(violation, "quotaId") ?? "").join(" "),
  };
}
