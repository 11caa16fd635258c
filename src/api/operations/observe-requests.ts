import type { FastifyRequest } from "fastify";
import { API_ERRORS } from "#src/api/http/api-error.ts";
import type { ApiServer } from "#src/api/http/typed-server.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { ApiMetrics, EndedRequest } from "./api-metrics.ts";
import type { MemoryGuard } from "./memory-guard.ts";

/** What a log entry says about a request. It contains nothing of its contents, and neither its query nor its ids. */
export interface RequestLogEntry extends EndedRequest {
  readonly requestId: string;
  /** Public id of the key. */
  readonly key?: string;
  readonly address: string;
}

export interface RequestObserverDeps {
  readonly metrics: ApiMetrics;
  readonly memory: MemoryGuard;
  readonly onRequest: (entry: RequestLogEntry) => void;
}

/** Routes by which supervisors and operators look at the server, also when it is overloaded. */
const OPERATION_ROUTES: ReadonlySet<string | undefined> = new Set(["/healthz", "/readyz", "/metrics"]);

/** Measures and logs all requests, and refuses new ones while too much memory is in use. To be called before other hooks. */
export function observeRequests(server: ApiServer, { metrics, memory, onRequest }: RequestObserverDeps): void {
  server.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    const { url } = request.routeOptions;
    if (OPERATION_ROUTES.has(url)) return;
    metrics.recordStart();
    const startedAt = performance.now();
    // Not the hook for responses, which does not run for streams.
    reply.raw.once("close", () => {
      const entry = describe(request, reply.raw.statusCode, performance.now() - startedAt);
      metrics.recordEnd(entry);
      onRequest(entry);
    });
    if (memory.isOver) throw API_ERRORS.overloaded();
  });
}

function describe(request: FastifyRequest, status: number, durationMs: number): RequestLogEntry {
  const { method, id: requestId, ip: address, caller } = request;
  const route = request.routeOptions.url ?? "none";
  const measured = { method, route, status, durationMs: Math.round(durationMs * 10) / 10 };
  return { ...measured, requestId, address, ...omitUndefined({ key: caller?.keyId }) };
}
