import type { FastifyInstance } from "fastify";
import type { Keys } from "../redis/keys.ts";
import type { RedisClient } from "../redis/script.ts";
import { requirePerson } from "./create-server.ts";
import type { Door } from "./door/door.ts";
import { HttpError } from "./http-error.ts";
import type { RedisGate } from "./look/redis-gate.ts";
import type { Sampler } from "./look/sampler.ts";
import { collectMetrics } from "./metrics/collect-metrics.ts";
import type { MetricsSample } from "./metrics/metrics-sample.ts";
import { METRICS_CONTENT_TYPE, renderMetrics } from "./metrics/render-metrics.ts";

export interface MetricsRouteDeps {
  readonly door: Door;
  readonly sampler: Sampler;
  readonly gate: RedisGate;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly version: string;
}

/** GET /metrics, for whoever is signed in and for scrapers that send one of the passwords with each request. */
export function metricsRoute({ door, sampler, gate, ...reading }: MetricsRouteDeps) {
  /** Undefined while Redis is away: that is worth a scrape as well. */
  const sample = async (): Promise<MetricsSample | undefined> => {
    try {
      const look = await sampler.look();
      return await gate.ask(() => collectMetrics(look, reading));
    } catch (error) {
      if (error instanceof HttpError && error.code === "redis-away") return undefined;
      throw error;
    }
  };
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/metrics", async (request, reply) => {
      if (!request.person) request.person = (await door.scraperOf(request)) ?? null;
      requirePerson(request);
      reply.type(METRICS_CONTENT_TYPE);
      return await renderMetrics(await sample());
    });
  };
}
