import {
  BATCH_TOO_LARGE_CLASS as BATCH_TOO_LARGE,
  CONTENT_FILTER_CLASS as FILTERED,
  INPUT_TOO_LONG_CLASS as TOO_LONG,
  UNKNOWN_MODEL_CLASS,
} from "#src/providers/classify-message.ts";
import type { ErrorCodeClass } from "./profile.ts";

const KEY_REFUSED = { kind: "auth", message: "the API key was rejected" } as const;
const NO_BALANCE = { kind: "quota", message: "the account has no balance or quota left" } as const;
const RATE = { kind: "throttled", message: "the rate limit is reached" } as const;
const REQUESTS = {
  kind: "throttled",
  dimension: "requests",
  message: "too many requests per minute",
} as const;
const TOKENS = { kind: "throttled", dimension: "tokens", message: "too many tokens per minute" } as const;
const AT_ONCE = { kind: "throttled", dimension: "concurrency", message: "too many calls at once" } as const;
const OVERLOADED = { kind: "overloaded", message: "the upstream is overloaded" } as const;
const FAILED = { kind: "server", message: "the upstream failed", yieldsTo: "status" } as const;
const INVALID = {
  kind: "invalid-request",
  message: "the request was rejected as invalid",
  yieldsTo: "status",
} as const;
/** Gateways send this code with 503 while no upstream for the model is available. */
const NO_MODEL = { ...UNKNOWN_MODEL_CLASS, yieldsTo: "server-status" } as const;
const NOT_ALLOWED = { kind: "auth", message: "the account may not do this" } as const;

/** Values of `error.code` and `error.type`; both are looked up, the code first. */
export const COMMON_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  invalid_api_key: KEY_REFUSED,
  incorrect_api_key: KEY_REFUSED,
  account_deactivated: KEY_REFUSED,
  authentication_error: KEY_REFUSED,
  invalid_authentication_error: KEY_REFUSED,
  incorrect_api_key_error: KEY_REFUSED,
  permission_error: NOT_ALLOWED,
  permission_denied_error: NOT_ALLOWED,
  unsupported_country_region_territory: { kind: "auth", message: "the vendor does not serve this region" },
  insufficient_quota: NO_BALANCE,
  billing_hard_limit_reached: NO_BALANCE,
  billing_not_active: NO_BALANCE,
  insufficient_balance: NO_BALANCE,
  exceeded_current_quota_error: NO_BALANCE,
  insufficient_user_quota: NO_BALANCE,
  pre_consume_token_quota_failed: NO_BALANCE,
  // OpenAI sends these as the type, with `rate_limit_exceeded` as the code.
  requests: REQUESTS,
  tokens: TOKENS,
  rate_limit_exceeded: RATE,
  rate_limit_error: RATE,
  rate_limit_reached_error: RATE,
  too_many_requests: RATE,
  engine_overloaded_error: OVERLOADED,
  engine_overloaded: OVERLOADED,
  overloaded_error: OVERLOADED,
  server_error: FAILED,
  internal_error: FAILED,
  internal_server_error: FAILED,
  InternalServerError: FAILED,
  context_length_exceeded: TOO_LONG,
  string_above_max_length: TOO_LONG,
  max_tokens_per_request: BATCH_TOO_LARGE,
  array_above_max_length: BATCH_TOO_LARGE,
  content_policy_violation: FILTERED,
  content_filter: FILTERED,
  model_not_found: NO_MODEL,
  resource_not_found_error: NO_MODEL,
  NotFoundError: NO_MODEL,
  invalid_request_error: INVALID,
  invalid_parameter_error: INVALID,
  BadRequestError: INVALID,
  // Reasons and statuses of Google APIs.
  API_KEY_INVALID: KEY_REFUSED,
  UNAUTHENTICATED: KEY_REFUSED,
  PERMISSION_DENIED: NOT_ALLOWED,
  NOT_FOUND: NO_MODEL,
  RESOURCE_EXHAUSTED: RATE,
  UNAVAILABLE: OVERLOADED,
  INTERNAL: FAILED,
  DEADLINE_EXCEEDED: { kind: "timeout", message: "the upstream timed out" },
  INVALID_ARGUMENT: INVALID,
};

export const DASHSCOPE_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  InvalidApiKey: KEY_REFUSED,
  AccessDenied: NOT_ALLOWED,
  Arrearage: NO_BALANCE,
  "AllocationQuota.FreeTierOnly": { kind: "quota", message: "the free quota of the model is used up" },
  // Unlike at OpenAI, this code means the tokens per minute.
  insufficient_quota: TOKENS,
  limit_requests: REQUESTS,
  limit_burst_rate: { kind: "throttled", dimension: "requests", message: "the request rate increased too fast" },
  Throttling: RATE,
  "Throttling.RateQuota": REQUESTS,
  "Throttling.AllocationQuota": TOKENS,
  "Throttling.BurstRate": {
    kind: "throttled",
    dimension: "requests",
    message: "the request rate increased too fast",
  },
  data_inspection_failed: FILTERED,
  DataInspectionFailed: FILTERED,
  InvalidParameter: INVALID,
  ModelNotFound: NO_MODEL,
  InternalError: FAILED,
  "InternalError.Algo": FAILED,
  RequestTimeOut: { kind: "timeout", message: "the upstream timed out" },
};

export const SILICONFLOW_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  "20012": NO_MODEL,
  "20015": INVALID,
  "30001": NO_BALANCE,
  "50505": OVERLOADED,
  "50603": OVERLOADED,
};

export const VOLCENGINE_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  AuthenticationError: KEY_REFUSED,
  AccountOverdueError: NO_BALANCE,
  QuotaExceeded: NO_BALANCE,
  SetLimitExceeded: NO_BALANCE,
  ModelNotOpen: { kind: "auth", message: "the model is not activated for the account" },
  "InvalidEndpointOrModel.NotFound": NO_MODEL,
  "RateLimitExceeded.EndpointRPMExceeded": REQUESTS,
  "RateLimitExceeded.EndpointTPMExceeded": TOKENS,
  ModelAccountRpmRateLimitExceeded: REQUESTS,
  ModelAccountTpmRateLimitExceeded: TOKENS,
  APIAccountRpmRateLimitExceeded: REQUESTS,
  ModelAccountIpmRateLimitExceeded: REQUESTS,
  RequestBurstTooFast: {
    kind: "throttled",
    dimension: "requests",
    message: "the request rate increased too fast",
  },
  ServerOverloaded: OVERLOADED,
  InternalServiceError: FAILED,
  SensitiveContentDetected: FILTERED,
  InputTextSensitiveContentDetected: FILTERED,
  OutputTextSensitiveContentDetected: FILTERED,
  InvalidParameter: INVALID,
  MissingParameter: INVALID,
};

export const TEI_CODES: Readonly<Record<string, ErrorCodeClass>> = {
  Overloaded: { ...AT_ONCE, message: "the server's queue is full" },
  Unhealthy: { kind: "server", message: "the server is not healthy" },
  Backend: { kind: "server", message: "the server's model failed" },
  Tokenizer: { kind: "too-long", message: "the server's tokenizer rejected an input" },
  Validation: { kind: "invalid-request", message: "the server rejected the request", yieldsTo: "status" },
  Empty: { kind: "invalid-request", message: "an input is empty" },
};
