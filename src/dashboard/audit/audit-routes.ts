import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import type { AuditPage } from "./audit-api.ts";

const auditQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: z
    .string()
    .regex(/^\d{1,20}-\d{1,20}$/)
    .optional(),
});

type AuditRoutesDeps = Pick<DashboardServices, "audit" | "breaker">;

/** GET /api/audit. */
export function auditRoutes({ audit, breaker }: AuditRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/audit", async (request): Promise<AuditPage> => {
      requirePrincipal(request);
      const { limit, before } = parseInput(auditQuery, request.query);
      return await breaker.run(() => audit.read(limit, before));
    });
  };
}
