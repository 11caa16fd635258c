import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { PROVIDER_ERROR_KINDS } from "#src/core/errors.ts";
import type { Audit } from "#src/dashboard/audit/audit.ts";
import { requireSameOrigin } from "#src/dashboard/auth/authenticator.ts";
import { requireOperator, requirePrincipal } from "#src/dashboard/create-server.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { exportCause } from "#src/dashboard/items/export-cause.ts";
import { findItems } from "#src/dashboard/items/find-items.ts";
import type { ItemHistory, RevealedItem } from "#src/dashboard/items/item-api.ts";
import type { LatestRecordsReader } from "#src/dashboard/items/latest-records.ts";
import type { RunSearch } from "#src/dashboard/items/run-search.ts";
import type { SearchResult } from "#src/dashboard/items/search-api.ts";
import type { MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { UserTransition } from "#src/state/runs/run-transitions.ts";
import type { RetryStatus } from "./retry-api.ts";
import { changeRunState, setWindow } from "./run-actions.ts";
import type { RunActionResult, RunPage } from "./run-api.ts";
import type { RunHistory } from "./run-history.ts";
import type { RunService } from "./run-service.ts";

const KINDS = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"] as const;
const CAUSE_PATTERN = /^(?:[0-9a-f]{12}|other:[a-z-]{1,30})$/;
const NDJSON = "application/x-ndjson; charset=utf-8";
const STATE_ACTIONS: readonly UserTransition[] = ["pause", "resume", "cancel"];

const listQuery = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  state: z.string().max(20).optional(),
  text: z.string().max(200).default(""),
});
const itemQuery = z.object({
  text: z.string().max(500).default(""),
  in: z.enum(["id", "text"]).default("id"),
  status: z.enum(["succeeded", "failed", "waiting"]).optional(),
  kind: z.enum(KINDS).optional(),
  cause: z.string().regex(CAUSE_PATTERN).optional(),
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const runParams = z.object({ run: z.string().min(1).max(128) });
const itemParams = runParams.extend({ index: z.coerce.number().int().min(0) });
const causeParams = runParams.extend({ cause: z.string().regex(CAUSE_PATTERN) });
const windowBody = z.strictObject({ items: z.int().min(1).max(1_000_000) });
const retryBody = z
  .strictObject({
    kinds: z.array(z.enum(KINDS)).min(1).max(KINDS.length).optional(),
    cause: z.string().regex(CAUSE_PATTERN).optional(),
    includeUnfinished: z.literal(true).optional(),
  })
  .refine(({ kinds, cause }) => !(kinds && cause), "takes either kinds or a cause");
const searchBody = z.strictObject({
  text: z.string().trim().min(1).max(8_000),
  top: z.int().min(1).max(50).default(10),
});
const emptyBody = z.strictObject({});

export interface RunRoutesDeps {
  readonly runService: RunService;
  readonly audit: Audit;
  readonly history: RunHistory;
  readonly records: LatestRecordsReader;
  readonly search: RunSearch;
}

/** Everything below /api/runs. */
export function runRoutes(deps: RunRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    addReadRoutes(server, deps);
    addItemRoutes(server, deps);
    addActionRoutes(server, deps);
    addRetryRoute(server, deps);
    addExportRoute(server, deps);
  };
}

function addReadRoutes(server: FastifyInstance, { runService, history, records }: RunRoutesDeps): void {
  server.get("/api/runs", async (request) => {
    requirePrincipal(request);
    return await runService.list(parseInput(listQuery, request.query));
  });
  server.get("/api/runs/:run", async (request) => {
    requirePrincipal(request);
    return await runService.page(parseRunParam(request));
  });
  server.get("/api/runs/:run/history", async (request): Promise<MetricHistory> => {
    requirePrincipal(request);
    const known = await runService.requireRun(parseRunParam(request));
    return history.read(known);
  });
  server.get("/api/runs/:run/causes", async (request) => {
    requirePrincipal(request);
    return await runService.causes(parseRunParam(request));
  });
  server.get("/api/runs/:run/records", async (request) => {
    requirePrincipal(request);
    return await records.read(await runService.requireRun(parseRunParam(request)));
  });
}

function addItemRoutes(server: FastifyInstance, { runService, audit }: RunRoutesDeps): void {
  server.get("/api/runs/:run/items", async (request) => {
    const { cause: named, ...search } = parseInput(itemQuery, request.query);
    // Searching a text tells what is in it, bit by bit.
    if (search.in === "text" && search.text !== "") requireOperator(request);
    else requirePrincipal(request);
    const run = parseRunParam(request);
    const folder = await runService.requireFolder(run);
    const cause = named === undefined ? undefined : await runService.requireCause(run, named);
    return await findItems(folder, { ...search, cause });
  });
  server.get("/api/runs/:run/items/:index", async (request): Promise<ItemHistory> => {
    requirePrincipal(request);
    const { run, index } = parseInput(itemParams, request.params);
    return await runService.getItemHistory(run, index);
  });
  server.post("/api/runs/:run/items/:index/reveal", async (request): Promise<RevealedItem> => {
    requireSameOrigin(request);
    const principal = requireOperator(request);
    parseInput(emptyBody, request.body);
    const { run, index } = parseInput(itemParams, request.params);
    const revealed = await runService.reveal(run, index);
    await runService.deps.breaker.run(() =>
      audit.record(principal, { action: "reveal", target: `${run} item ${index}` }),
    );
    return revealed;
  });
}

function addActionRoutes(server: FastifyInstance, { runService, audit, search }: RunRoutesDeps): void {
  const { breaker } = runService.deps;
  for (const action of STATE_ACTIONS) {
    server.post(`/api/runs/:run/${action}`, async (request): Promise<RunActionResult> => {
      requireSameOrigin(request);
      const principal = requireOperator(request);
      parseInput(emptyBody, request.body);
      const known = await runService.requireRun(parseRunParam(request));
      const auditedAction = { action, target: known.run };
      return await audit.runAudited(breaker, principal, auditedAction, () =>
        breaker.run(() => changeRunState(action, known, runService.deps)),
      );
    });
  }
  server.post("/api/runs/:run/window", async (request): Promise<RunActionResult> => {
    requireSameOrigin(request);
    const principal = requireOperator(request);
    const { items } = parseInput(windowBody, request.body);
    const known = await runService.requireRun(parseRunParam(request));
    const auditedAction = { action: "window", target: known.run, detail: `${items} items` };
    return await audit.runAudited(breaker, principal, auditedAction, () =>
      breaker.run(() => setWindow(known, items, runService.deps)),
    );
  });
  server.post("/api/runs/:run/search", async (request): Promise<SearchResult> => {
    requireSameOrigin(request);
    const principal = requireOperator(request);
    const { text, top } = parseInput(searchBody, request.body);
    const folder = await runService.requireFolder(parseRunParam(request));
    const auditedAction = { action: "search", target: folder.manifest.run };
    return await audit.runAudited(breaker, principal, auditedAction, () => search.search(folder, text, top));
  });
}

function addRetryRoute(server: FastifyInstance, { runService, audit }: RunRoutesDeps): void {
  const { breaker, retries } = runService.deps;
  server.post("/api/runs/:run/retry", async (request): Promise<RetryStatus> => {
    requireSameOrigin(request);
    const principal = requireOperator(request);
    const { kinds, cause, includeUnfinished } = parseInput(retryBody, request.body);
    const { run } = parseInput(runParams, request.params);
    const page = await runService.page(run);
    const detail = cause ?? kinds?.join(",") ?? "all failures";
    return await audit.runAudited(breaker, principal, { action: "retry", target: run, detail }, async () => {
      requireRetry(page, includeUnfinished === true);
      const folder = await runService.requireFolder(run);
      const served = runService.deps.sampler.latest?.workers.some(({ state }) => state === "alive");
      return retries.start({
        run,
        dir: folder.dir,
        userName: principal.userName,
        workers: served ? 0 : undefined,
        kinds,
        cause,
      });
    });
  });
}

/** Throws an HttpError for a run that cannot be retried, or whose retry would do more than was agreed to. */
function requireRetry(
  { actions, refusals, refusalCodes, itemsWithoutRecord = 0 }: RunPage,
  includeUnfinished: boolean,
): void {
  if (!actions.includes("retry")) {
    throw new HttpError("wrong-state", refusals.retry ?? "This run has no failed items.", {
      reason: refusalCodes?.retry ?? "no-failed-items",
    });
  }
  if (itemsWithoutRecord === 0 || includeUnfinished) return;
  throw new HttpError(
    "wrong-state",
    `The run is not finished: a retry goes on with what has no record yet as well (items: ${itemsWithoutRecord}).`,
    { hint: "Agree to that, or run its command again first.", reason: "items-left" },
  );
}

function addExportRoute(server: FastifyInstance, { runService, audit }: RunRoutesDeps): void {
  const { breaker } = runService.deps;
  server.get("/api/runs/:run/causes/:cause/export", async (request, reply) => {
    const texts = (request.query as { readonly texts?: string }).texts === "1";
    const principal = texts ? requireOperator(request) : requirePrincipal(request);
    const { run, cause } = parseInput(causeParams, request.params);
    const folder = await runService.requireFolder(run);
    const filter = await runService.requireCause(run, cause);
    if (folder.itemsFile === undefined) throw new HttpError("unknown-cause", "This run has no failed items.");
    if (request.method === "HEAD") return await reply.type(NDJSON).send();
    const detail = texts ? "with texts" : "";
    await breaker.run(() => audit.record(principal, { action: "export", target: `${run} ${cause}`, detail }));
    return await reply
      .type(NDJSON)
      .header("content-disposition", `attachment; filename="failures-${cause.replace(":", "-")}.jsonl"`)
      .send(Readable.from(exportCause(folder, { filter, texts })));
  });
}

function parseRunParam(request: FastifyRequest): string {
  return parseInput(runParams, request.params).run;
}
