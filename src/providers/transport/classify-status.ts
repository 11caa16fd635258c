import type { ProviderErrorKind } from "#src/core/errors.ts";

export interface StatusClass {
  readonly kind: ProviderErrorKind;
  readonly message: string;
  /** Smaller batches may pass. */
  readonly isSplittable?: boolean;
}

const STATUSES: Readonly<Record<number, StatusClass>> = {
  400: { kind: "invalid-request", message: "the request was refused as invalid" },
  401: { kind: "auth", message: "the API key was refused" },
  402: { kind: "quota", message: "the account has no balance" },
  403: { kind: "auth", message: "the account may not do this" },
  407: { kind: "auth", message: "the proxy wants a password" },
  408: { kind: "timeout", message: "the upstream gave up waiting" },
  409: { kind: "server", message: "the upstream reports a conflict" },
  413: { kind: "too-long", message: "the request is too large", isSplittable: true },
  414: { kind: "too-long", message: "the request is too large", isSplittable: true },
  422: { kind: "invalid-request", message: "the request was refused as invalid" },
  425: { kind: "server", message: "the upstream is not ready" },
  429: { kind: "throttled", message: "too many requests" },
  503: { kind: "overloaded", message: "the upstream is overloaded" },
  504: { kind: "timeout", message: "a gateway timed out" },
  524: { kind: "timeout", message: "a gateway timed out" },
  529: { kind: "overloaded", message: "the upstream is overloaded" },
};

/**
 * What an HTTP status alone says, for answers whose body no table explains. A redirect, 404, 405 or 410 comes from a
 * wrong base URL or a model that is gone: it is `auth`, which parks the lane, since as `invalid-request` every
 * item of a run would become a definite error because of one line of configuration.
 */
export function classifyStatus(status: number): StatusClass {
  const listed = STATUSES[status];
  if (listed) return listed;
  if (status >= 500) return { kind: "server", message: "the upstream failed" };
  if (status >= 300 && status < 400)
    return { kind: "auth", message: "the upstream redirects, which is not followed: check the base URL" };
  if (status === 404 || status === 405 || status === 410)
    return { kind: "auth", message: "nothing answers at this address: check the base URL and the model" };
  if (status >= 400) return { kind: "invalid-request", message: "the request was refused" };
  return { kind: "bad-response", message: "the answer's status makes no sense here" };
}
