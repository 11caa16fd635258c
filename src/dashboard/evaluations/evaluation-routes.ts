import type { FastifyInstance } from "fastify";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseRunParam } from "#src/dashboard/runs/run-params.ts";
import type { EvaluationList, EvaluationView } from "./evaluation-api.ts";

/** The routes that read the results of evaluations. They contain scores, and no text of any item. */
export function evaluationRoutes({ evaluations }: Pick<DashboardServices, "evaluations">) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/evaluations", async (request): Promise<EvaluationList> => {
      requirePrincipal(request);
      return await evaluations.list();
    });
    server.get("/api/evaluations/:run", async (request): Promise<EvaluationView> => {
      requirePrincipal(request);
      return await evaluations.get(parseRunParam(request));
    });
  };
}
