import type { FastifyInstance } from "fastify";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseRunParam } from "#src/dashboard/runs/run-params.ts";
import type { FailureCauseList } from "./cause-api.ts";

/** The route for failure causes. */
export function causeRoutes({ causes }: Pick<DashboardServices, "causes">) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/runs/:run/causes", async (request): Promise<FailureCauseList> => {
      requirePrincipal(request);
      return await causes.list(parseRunParam(request));
    });
  };
}
