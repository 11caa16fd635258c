import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { TimeLimits, Transport } from "./transport.ts";

/** The transport with time limits that take precedence over those of its requests; without limits, the transport itself. */
export function limitTransport(transport: Transport, limits: TimeLimits | undefined): Transport {
  if (limits === undefined) return transport;
  const given = omitUndefined(limits);
  const limit = <R extends { readonly timeLimits?: TimeLimits }>(request: R): R => ({
    ...request,
    timeLimits: { ...request.timeLimits, ...given },
  });
  const { openSocket } = transport;
  return {
    post: (request, call) => transport.post(limit(request), call),
    stream: (request, call) => transport.stream(limit(request), call),
    openSocket: openSocket && ((request, call) => openSocket(limit(request), call)),
    close: () => transport.close(),
  };
}
