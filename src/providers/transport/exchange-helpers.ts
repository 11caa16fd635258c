import type { Dispatcher } from "undici";
import { ProviderError } from "#src/core/errors.ts";
import type { HttpRequest } from "./transport.ts";

/** How undici is asked for a request, whole or streamed; its time limits are added by whoever keeps them. */
export function dispatchOptions({ url, headers, body, timeLimits }: HttpRequest): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: "POST",
    headers: { "accept-encoding": "identity", ...headers },
    body,
    ...(timeLimits?.headersMs !== undefined && { headersTimeout: timeLimits.headersMs }),
  };
}

export function abortedError(provider: string, signal: AbortSignal, message: string): ProviderError {
  return new ProviderError(message, { kind: "aborted", provider, cause: signal.reason });
}

export function deadlineError(provider: string, limitMs: number, bytes: number): ProviderError {
  return new ProviderError(`no complete answer within ${limitMs} ms (${bytes} bytes had arrived)`, {
    kind: "timeout",
    provider,
    code: "TOTAL_TIMEOUT",
  });
}

export function tooLargeError(provider: string, status: number, limit: number): ProviderError {
  return new ProviderError(`the answer is larger than ${limit} bytes`, {
    kind: "bad-response",
    provider,
    status,
    code: "BODY_TOO_LARGE",
  });
}
