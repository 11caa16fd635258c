import type { ApiError } from "#src/api/http/api-error.ts";

/** FastChat's codes, for the codes of this API and otherwise by status. */
const CODES: Readonly<Record<string, number>> = {
  model_not_found: 40301,
  model_not_allowed: 40301,
  model_not_supported: 40301,
  invalid_parameter: 40302,
  context_length_exceeded: 40303,
  rate_limit_exceeded: 42901,
  insufficient_quota: 42902,
  provider_overloaded: 42903,
  no_worker: 50005,
};
const CODES_BY_STATUS: Readonly<Record<number, number>> = {
  400: 40001,
  404: 40001,
  413: 40001,
  503: 42903,
  504: 50004,
};
const INTERNAL_CODE = 50001;

/** The status and the body of an error as FastChat's server sends them: all are 400, except that of a wrong key. */
export function writeFastchatError({ status, details }: ApiError) {
  const { message, code } = details;
  if (status === 401) {
    const error = { message: "", type: "invalid_request_error", param: null, code: "invalid_api_key" };
    return { status, body: { detail: { error } } };
  }
  const known = code !== null && Object.hasOwn(CODES, code) ? CODES[code] : undefined;
  const number = known ?? CODES_BY_STATUS[status] ?? INTERNAL_CODE;
  return { status: 400, body: { object: "error", message, code: number } };
}

/** Whether a request asks for this format of errors. */
export function wantsFastchatErrors(query: unknown): boolean {
  return typeof query === "object" && query !== null && "error_format" in query && query.error_format === "fastchat";
}
