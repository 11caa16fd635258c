import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import type { MetricHistory } from "#src/dashboard/overview/history-api.ts";
import { RUN_PHASES, RUN_SORT_KEYS, type RunList, type RunPage } from "./run-api.ts";
import { parseRunParam } from "./run-params.ts";

/** Epoch ms; stricter than `z.coerce`, for which an empty text is 0. */
const timeParam = z
  .string()
  .regex(/^-?\d{1,15}$/, "expected milliseconds since 1970")
  .transform(Number);
const listQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  state: z.enum(RUN_PHASES).optional(),
  text: z.string().max(200).default(""),
  from: timeParam.optional(),
  before: timeParam.optional(),
  sort: z.enum(RUN_SORT_KEYS).optional(),
  order: z.enum(["ascending", "descending"]).optional(),
});

type RunRoutesDeps = Pick<DashboardServices, "runService" | "history">;

/** The routes that read runs. */
export function runRoutes({ runService, history }: RunRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/runs", async (request): Promise<RunList> => {
      requirePrincipal(request);
      return await runService.list(parseInput(listQuery, request.query));
    });
    server.get("/api/runs/:run", async (request): Promise<RunPage> => {
      requirePrincipal(request);
      return await runService.readPage(parseRunParam(request));
    });
    server.get("/api/runs/:run/history", async (request): Promise<MetricHistory> => {
      requirePrincipal(request);
      return history.read(await runService.requireRun(parseRunParam(request)));
    });
  };
}
