import type { Dispatcher } from "undici";
import { ProviderError } from "#src/core/failures/errors.ts";
import type { HttpRequest } from "./transport.ts";

/** undici's options for a request, complete or streamed. The caller adds the body timeout. */
export function dispatchOptions({ url, headers, body, timeLimits }: HttpRequest): Dispatcher.DispatchOptions {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method: "POST",
    headers: { "accept-encoding": "identity", ...headers },
    body,
    headersTimeout: timeLimits?.headersMs,
  };
}

export function abortedError(provider: string, signal: AbortSignal, message: string): ProviderError {
  return new ProviderError(message, { kind: "aborted", provider, cause: signal.reason });
}

export function deadlineError(provider: string, limitMs: number, bytes: number): ProviderError {
  return new ProviderError(`no complete response within ${limitMs} ms (${bytes} bytes received)`, {
    kind: "timeout",
    provider,
    code: "TOTAL_TIMEOUT",
  });
}

export function tooLargeError(provider: string, status: number, limit: number): ProviderError {
  return new ProviderError(`the response is larger than ${limit} bytes`, {
    kind: "bad-response",
    provider,
    status,
    code: "BODY_TOO_LARGE",
  });
}
