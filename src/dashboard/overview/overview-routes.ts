import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { listRunPeriods } from "#src/dashboard/runs/list-run-periods.ts";
import { buildHistory } from "./build-history.ts";
import { describeOverview } from "./describe-overview.ts";
import type { MetricHistory } from "./history-api.ts";
import type { Overview } from "./overview-api.ts";

const spanQuery = z.object({ span: z.enum(["hour", "day"]).default("hour") });

type OverviewRoutesDeps = Pick<DashboardServices, "sampler" | "breaker">;

/** GET /api/overview and /api/history. */
export function overviewRoutes({ sampler, breaker }: OverviewRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/overview", async (request): Promise<Overview> => {
      requirePrincipal(request);
      return describeOverview(await sampler.readSnapshot(), sampler, breaker.health());
    });
    server.get("/api/history", async (request): Promise<MetricHistory> => {
      requirePrincipal(request);
      const { span } = parseInput(spanQuery, request.query);
      const runs = listRunPeriods(await sampler.readSnapshot(), span);
      return { ...buildHistory(sampler.telemetry, sampler.gauges[span], span), runs };
    });
  };
}
