import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requireOperator, requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { AUDIT_DETAILS, ERRORS } from "#src/dashboard/messages.ts";
import { causeName, parseRunParam, runParams } from "#src/dashboard/runs/run-params.ts";
import type { FailureCauseList } from "./cause-api.ts";
import { exportCause } from "./export-cause.ts";

const NDJSON = "application/x-ndjson; charset=utf-8";

const causeParams = runParams.extend({ cause: causeName });
const exportQuery = z.object({ texts: z.string().optional() });

type CauseRoutesDeps = Pick<DashboardServices, "breaker" | "audit" | "runService" | "causes">;

/** The routes for failure causes. */
export function causeRoutes({ breaker, audit, runService, causes }: CauseRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/runs/:run/causes", async (request): Promise<FailureCauseList> => {
      requirePrincipal(request);
      return await causes.list(parseRunParam(request));
    });
    server.get("/api/runs/:run/causes/:cause/export", async (request, reply) => {
      const texts = parseInput(exportQuery, request.query).texts === "1";
      const principal = texts ? requireOperator(request) : requirePrincipal(request);
      const { run, cause } = parseInput(causeParams, request.params);
      const folder = await runService.requireFolder(run);
      const filter = await causes.requireFilter(run, cause);
      if (!folder.hasDatabase) throw new HttpError(ERRORS.unknownCause);
      if (request.method === "HEAD") return await reply.type(NDJSON).send();
      const detail = texts ? AUDIT_DETAILS.exportWithTexts : "";
      await breaker.run(() => audit.record(principal, { action: "export", target: `${run} ${cause}`, detail }));
      return await reply
        .type(NDJSON)
        .header("content-disposition", `attachment; filename="failures-${cause.replace(":", "-")}.jsonl"`)
        .send(Readable.from(exportCause(folder, { filter, texts })));
    });
  };
}
