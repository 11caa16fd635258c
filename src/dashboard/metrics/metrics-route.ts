import type { FastifyInstance } from "fastify";
import type { Authenticator } from "#src/dashboard/auth/authenticator.ts";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { collectMetrics } from "./collect-metrics.ts";
import type { MetricsSample } from "./metrics-sample.ts";
import { METRICS_CONTENT_TYPE, renderMetrics } from "./render-metrics.ts";

export interface MetricsRouteDeps extends Pick<DashboardServices, "sampler" | "breaker" | "client" | "keys"> {
  readonly authenticator: Authenticator;
  readonly version: string;
}

/** GET /metrics, for signed-in users and for scrapers that send a password with each request. */
export function metricsRoute({ authenticator, sampler, breaker, ...reading }: MetricsRouteDeps) {
  /** Undefined while Redis is unavailable, which is exported as a metric. */
  const takeSample = async (): Promise<MetricsSample | undefined> => {
    try {
      const snapshot = await sampler.readSnapshot();
      return await breaker.run(() => collectMetrics(snapshot, reading));
    } catch (error) {
      if (error instanceof HttpError && error.code === "redis-unavailable") return undefined;
      throw error;
    }
  };
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/metrics", async (request, reply) => {
      if (!request.principal) request.principal = (await authenticator.authenticateScraper(request)) ?? null;
      requirePrincipal(request);
      reply.type(METRICS_CONTENT_TYPE);
      return await renderMetrics(await takeSample());
    });
  };
}
