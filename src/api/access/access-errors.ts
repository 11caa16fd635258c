import { ApiError } from "#src/api/http/api-error.ts";
import type { ApiKey } from "#src/state/api-keys/api-key.ts";
import type { RefusedBy } from "#src/state/api-keys/key-usage.ts";

/** The official clients wait for at most this time before they repeat a request by themselves. */
const MAX_CLIENT_WAIT_MS = 60_000;

/** Errors about keys, limits, and budgets. */
export const ACCESS_ERRORS = {
  foreignHost: () =>
    new ApiError({
      status: 401,
      type: "invalid_request_error",
      code: "invalid_api_key",
      message: "Without a key, this server answers requests to localhost or 127.0.0.1 only.",
    }),
  budgetWithoutPrice: (model: string, currency: string, ownCurrency: string | undefined) =>
    new ApiError({
      status: 403,
      type: "invalid_request_error",
      code: "model_without_price",
      param: "model",
      message: `This key has a budget in ${currency}, and ${
        ownCurrency === undefined ? `the price of ${model} is unknown` : `the price of ${model} is in ${ownCurrency}`
      }. Use another model, or ask the operator for a price in ${currency} in sluice.yaml or for a key without a budget.`,
    }),
  refused: (key: ApiKey, refusedBy: RefusedBy, retryAfterMs: number | undefined) =>
    refusedBy === "requests" || refusedBy === "tokens"
      ? rateLimited(key, refusedBy, retryAfterMs)
      : budgetUsedUp(key, refusedBy, retryAfterMs),
} as const;

function rateLimited(key: ApiKey, dimension: "requests" | "tokens", retryAfterMs: number | undefined): ApiError {
  const limit = dimension === "requests" ? key.requestsPerMinute : key.tokensPerMinute;
  const what = `This key is limited to ${limit} ${dimension} per minute`;
  const message =
    retryAfterMs === undefined
      ? `${what}, and this request alone may need more: shorten it, or set a lower max_tokens.`
      : `${what}. Try again in ${formatWait(retryAfterMs)}.`;
  return refuse("rate_limit_exceeded", dimension, message, retryAfterMs);
}

function budgetUsedUp(key: ApiKey, period: "day" | "month", retryAfterMs: number | undefined): ApiError {
  const budget = period === "day" ? key.dailyBudget : key.monthlyBudget;
  const what = `The budget of this key is ${budget} ${key.currency} a ${period}`;
  const message =
    retryAfterMs === undefined
      ? `${what}, and this request alone may cost more: set a lower max_tokens.`
      : retryAfterMs <= MAX_CLIENT_WAIT_MS
        ? `${what}. Calls in progress hold the rest of it. Try again in ${formatWait(retryAfterMs)}.`
        : `${what}, and the rest of it does not suffice for this request. A new ${period} begins in ${formatWait(retryAfterMs)} (UTC).`;
  return refuse("insufficient_quota", "insufficient_quota", message, retryAfterMs);
}

function refuse(code: string, type: string, message: string, retryAfterMs: number | undefined): ApiError {
  const details = { status: 429, type, code, message, shouldRetry: (retryAfterMs ?? Infinity) <= MAX_CLIENT_WAIT_MS };
  return new ApiError(retryAfterMs === undefined ? details : { ...details, retryAfterMs });
}

function formatWait(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}
