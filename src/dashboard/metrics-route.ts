import type { FastifyInstance } from "fastify";
import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import { requirePrincipal } from "./create-server.ts";
import type { Authenticator } from "./door/door.ts";
import { HttpError } from "./http-error.ts";
import type { RedisCircuitBreaker } from "./look/redis-gate.ts";
import type { SnapshotSampler } from "./look/sampler.ts";
import { collectMetrics } from "./metrics/collect-metrics.ts";
import type { MetricsSample } from "./metrics/metrics-sample.ts";
import { METRICS_CONTENT_TYPE, renderMetrics } from "./metrics/render-metrics.ts";

export interface MetricsRouteDeps {
  readonly authenticator: Authenticator;
  readonly sampler: SnapshotSampler;
  readonly breaker: RedisCircuitBreaker;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly version: string;
}

/** GET /metrics, for whoever is signed in and for scrapers that send one of the passwords with each request. */
export function metricsRoute({ authenticator, sampler, breaker, ...reading }: MetricsRouteDeps) {
  /** Undefined while Redis is away: that is worth a scrape as well. */
  const sample = async (): Promise<MetricsSample | undefined> => {
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
      return await renderMetrics(await sample());
    });
  };
}
