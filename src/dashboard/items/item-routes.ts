import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requireOperator, requireOperatorChange, requirePrincipal } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { AUDIT_DETAILS } from "#src/dashboard/messages.ts";
import { emptyBody, parseRunParam, runParams } from "#src/dashboard/runs/run-params.ts";
import { EXPORT_FORMATS } from "#src/producer/items/item-export.ts";
import type { ItemHistory, ItemPage, LatestRecords, RevealedItem } from "./item-api.ts";
import { describeFilter, itemFilterParams, itemSortParam, readsContents } from "./item-query-params.ts";
import type { SearchResult } from "./search-api.ts";

const pageQuery = itemFilterParams.extend({
  sort: itemSortParam.default("index"),
  after: z.string().max(2_000).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const exportQuery = itemFilterParams.extend({
  format: z.enum(EXPORT_FORMATS).default("jsonl"),
  texts: z.string().optional(),
});
const CONTENT_TYPES = { jsonl: "application/x-ndjson; charset=utf-8", csv: "text/csv; charset=utf-8" } as const;
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
      const query = parseInput(pageQuery, request.query);
      const run = parseRunParam(request);
      const principal = readsContents(query) ? requireOperator(request) : requirePrincipal(request);
      const page = await items.find(run, query);
      // While the index is being built, the page repeats the request, and nothing has been searched.
      if (readsContents(query) && page.indexingShare === undefined) {
        const { sort: _sort, after: _after, limit: _limit, ...filter } = query;
        const auditedAction = { action: "search-text", target: run, detail: describeFilter(filter) };
        await breaker.run(() => audit.record(principal, auditedAction));
      }
      return page;
    });
    addExportRoute(server, { breaker, audit, items });
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

function addExportRoute(server: FastifyInstance, deps: Pick<ItemRoutesDeps, "breaker" | "audit" | "items">): void {
  const { breaker, audit, items } = deps;
  server.get("/api/runs/:run/items/export", async (request, reply) => {
    const { texts: textsParam, format, ...filter } = parseInput(exportQuery, request.query);
    const texts = textsParam === "1";
    const principal = texts || readsContents(filter) ? requireOperator(request) : requirePrincipal(request);
    const run = parseRunParam(request);
    const lines = await items.export(run, { ...filter, format, texts });
    if (request.method === "HEAD") return await reply.type(CONTENT_TYPES[format]).send();
    const detail = `${describeFilter(filter)}${texts ? `, ${AUDIT_DETAILS.exportWithTexts}` : ""}`;
    await breaker.run(() => audit.record(principal, { action: "export", target: run, detail }));
    return await reply
      .type(CONTENT_TYPES[format])
      .header("content-disposition", `attachment; filename="items.${format}"`)
      .send(Readable.from(lines));
  });
}
