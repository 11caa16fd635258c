import type { ProviderErrorKind } from "#src/core/failures/errors.ts";

/** What a status or a message implies. */
export interface StatusClass {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  /** Smaller batches may succeed. */
  readonly isSplittable?: boolean;
}

const STATUSES: Readonly<Record<number, StatusClass>> = {
  400: { kind: "invalid-request", message: "the request was rejected as invalid" },
  401: { kind: "auth", message: "the API key was rejected" },
  402: { kind: "quota", message: "the account has no balance" },
  403: { kind: "auth", message: "the account may not do this" },
  407: { kind: "auth", message: "the proxy requires authentication" },
  408: { kind: "timeout", message: "the upstream timed out waiting for the request" },
  409: { kind: "server", message: "the upstream reported a conflict" },
  413: { kind: "too-long", message: "the request is too large", isSplittable: true },
  414: { kind: "too-long", message: "the request is too large", isSplittable: true },
  422: { kind: "invalid-request", message: "the request was rejected as invalid" },
  425: { kind: "server", message: "the upstream is not ready" },
  429: { kind: "throttled", message: "too many requests" },
  503: { kind: "overloaded", message: "the upstream is overloaded" },
  504: { kind: "timeout", message: "a gateway timed out" },
  524: { kind: "timeout", message: "a gateway timed out" },
  529: { kind: "overloaded", message: "the upstream is overloaded" },
};

/**
 * Classifies a response by its HTTP status alone, for bodies without a known code. A redirect, 404, 405 or 410 is caused by
 * a wrong base URL or a discontinued model. It is `auth`, which parks the lane; with `invalid-request`, one line of
 * configuration would turn every item of a run into a final error.
 */
export function classifyStatus(status: number): StatusClass {
  const listed = STATUSES[status];
  if (listed) return listed;
  if (status >= 500) return { kind: "server", message: "the upstream failed" };
  if (status >= 300 && status < 400)
    return { kind: "auth", message: "the upstream sent a redirect, which is not followed: check the base URL" };
  if (status === 404 || status === 405 || status === 410)
    return { kind: "auth", message: "this URL does not exist: check the base URL and the model" };
  if (status >= 400) return { kind: "invalid-request", message: "the request was rejected" };
  return { kind: "bad-response", message: "the response has an unexpected status" };
}

/**
 * Whether the status describes the cause by itself. Vendors send 400, 409, 422 and other 4xx statuses for many causes,
 * which only the body distinguishes.
 */
export function isDecisiveStatus(status: number): boolean {
  if (status === 400 || status === 409 || status === 422) return false;
  return status >= 500 || (status >= 300 && classifyStatus(status).kind !== "invalid-request");
}
