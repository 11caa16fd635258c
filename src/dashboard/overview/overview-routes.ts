import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { Audit } from "#src/dashboard/audit/audit.ts";
import type { AuditPage } from "#src/dashboard/audit/audit-api.ts";
import { requirePrincipal } from "#src/dashboard/create-server.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import type { RedisCircuitBreaker } from "#src/dashboard/snapshot/redis-circuit-breaker.ts";
import type { SnapshotSampler } from "#src/dashboard/snapshot/snapshot-sampler.ts";
import { buildHistory } from "./build-history.ts";
import { describeOverview } from "./describe-overview.ts";
import type { MetricHistory } from "./history-api.ts";
import type { Overview } from "./overview-api.ts";

const spanQuery = z.object({ span: z.enum(["hour", "day"]).default("hour") });
const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z
    .string()
    .regex(/^\d{1,20}-\d{1,20}$/)
    .optional(),
});

export interface OverviewRoutesDeps {
  readonly sampler: SnapshotSampler;
  readonly breaker: RedisCircuitBreaker;
  readonly audit: Audit;
}

/** GET /api/overview, /api/history, /api/audit and /healthz. */
export function overviewRoutes({ sampler, breaker, audit }: OverviewRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/overview", async (request): Promise<Overview> => {
      requirePrincipal(request);
      return describeOverview(await sampler.readSnapshot(), sampler, breaker.health());
    });
    server.get("/api/history", async (request): Promise<MetricHistory> => {
      requirePrincipal(request);
      const { span } = parseInput(spanQuery, request.query);
      await sampler.readSnapshot();
      return buildHistory(sampler.telemetry, sampler.gauges[span], span);
    });
    server.get("/api/audit", async (request): Promise<AuditPage> => {
      requirePrincipal(request);
      const { limit, before } = parseInput(auditQuery, request.query);
      return await breaker.run(() => audit.read(limit, before));
    });
    // For whoever starts and watches this process; says nothing that is worth a door.
    server.get("/healthz", () => ({ ok: true }));
  };
}
