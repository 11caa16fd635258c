import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requireOperator, requireOperatorChange, requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { causeName, emptyBody, FAILURE_KINDS, parseRunParam, runParams } from "#src/dashboard/runs/run-params.ts";
import type { ItemHistory, ItemPage, LatestRecords, RevealedItem } from "./item-api.ts";
import type { SearchResult } from "./search-api.ts";

const itemQuery = z.object({
  text: z.string().max(500).default(""),
  in: z.enum(["id", "text"]).default("id"),
  status: z.enum(["succeeded", "failed", "waiting"]).optional(),
  kind: z.enum(FAILURE_KINDS).optional(),
  cause: causeName.optional(),
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const itemParams = runParams.extend({ index: z.coerce.number().int().min(0) });
const searchBody = z.strictObject({
  text: z.string().trim().min(1).max(8_000),
  top: z.int().min(1).max(50).default(10),
});

type ItemRoutesDeps = Pick<DashboardServices, "breaker" | "audit" | "runService" | "items" | "records" | "search">;

/** The routes for a run's items, its newest records, and the search in its vectors. */
export function itemRoutes({ breaker, audit, runService, items, records, search }: ItemRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.get("/api/runs/:run/items", async (request): Promise<ItemPage> => {
      const query = parseInput(itemQuery, request.query);
      // Searching in texts can reveal them piece by piece.
      if (query.in === "text" && query.text !== "") requireOperator(request);
      else requirePrincipal(request);
      return await items.find(parseRunParam(request), query);
    });
    server.get("/api/runs/:run/items/:index", async (request): Promise<ItemHistory> => {
      requirePrincipal(request);
      const { run, index } = parseInput(itemParams, request.params);
      return await items.readHistory(run, index);
    });
    server.post("/api/runs/:run/items/:index/reveal", async (request): Promise<RevealedItem> => {
      const principal = requireOperatorChange(request);
      parseInput(emptyBody, request.body);
      const { run, index } = parseInput(itemParams, request.params);
      const revealed = await items.reveal(run, index);
      await breaker.run(() => audit.record(principal, { action: "reveal", target: `${run} item ${index}` }));
      return revealed;
    });
    server.get("/api/runs/:run/records", async (request): Promise<LatestRecords> => {
      requirePrincipal(request);
      return await records.read(await runService.requireRun(parseRunParam(request)));
    });
    server.post("/api/runs/:run/search", async (request): Promise<SearchResult> => {
      const principal = requireOperatorChange(request);
      const { text, top } = parseInput(searchBody, request.body);
      const folder = await runService.requireFolder(parseRunParam(request));
      const auditedAction = { action: "search", target: folder.manifest.run };
      return await audit.runAudited(breaker, principal, auditedAction, () => search.search(folder, text, top));
    });
  };
}
