import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { PROVIDER_ERROR_KINDS } from "../../core/errors.ts";
import type { Audit } from "../audit.ts";
import type {
  History,
  ItemStory,
  RetryStatus,
  RevealedItem,
  RunActionResult,
  RunPage,
  SearchResult,
} from "../contract.ts";
import { requireOperator, requirePerson } from "../create-server.ts";
import { requireSameOrigin } from "../door/door.ts";
import { HttpError } from "../http-error.ts";
import { parseInput } from "../parse-input.ts";
import { exportCluster } from "./export-cluster.ts";
import { findItems } from "./find-items.ts";
import type { LatestRecordsReader } from "./latest-records.ts";
import { changeRun, type StateAction, setWindow } from "./run-actions.ts";
import type { RunDesk } from "./run-desk.ts";
import type { RunHistory } from "./run-history.ts";
import type { RunSearch } from "./run-search.ts";

const KINDS = [...PROVIDER_ERROR_KINDS, "crash-loop", "cancelled", "expired"] as const;
const CLUSTER = /^(?:[0-9a-f]{12}|other:[a-z-]{1,30})$/;
const NDJSON = "application/x-ndjson; charset=utf-8";
const STATE_ACTIONS: readonly StateAction[] = ["pause", "resume", "cancel"];

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
  cluster: z.string().regex(CLUSTER).optional(),
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const runParams = z.object({ run: z.string().min(1).max(128) });
const itemParams = runParams.extend({ index: z.coerce.number().int().min(0) });
const clusterParams = runParams.extend({ cluster: z.string().regex(CLUSTER) });
const windowBody = z.strictObject({ items: z.int().min(1).max(1_000_000) });
const retryBody = z
  .strictObject({
    kinds: z.array(z.enum(KINDS)).min(1).max(KINDS.length).optional(),
    cluster: z.string().regex(CLUSTER).optional(),
    rest: z.literal(true).optional(),
  })
  .refine(({ kinds, cluster }) => !(kinds && cluster), "takes either kinds or a cluster");
const searchBody = z.strictObject({
  text: z.string().trim().min(1).max(8_000),
  top: z.int().min(1).max(50).default(10),
});
const emptyBody = z.strictObject({});

export interface RunRoutesDeps {
  readonly desk: RunDesk;
  readonly audit: Audit;
  readonly history: RunHistory;
  readonly records: LatestRecordsReader;
  readonly search: RunSearch;
}

/** Everything below /api/runs. */
export function runRoutes(deps: RunRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    addReading(server, deps);
    addItems(server, deps);
    addActing(server, deps);
    addRetry(server, deps);
    addExport(server, deps);
  };
}

function addReading(server: FastifyInstance, { desk, history, records }: RunRoutesDeps): void {
  server.get("/api/runs", async (request) => {
    requirePerson(request);
    return await desk.list(parseInput(listQuery, request.query));
  });
  server.get("/api/runs/:run", async (request) => {
    requirePerson(request);
    return await desk.page(runOf(request));
  });
  server.get("/api/runs/:run/history", async (request): Promise<History> => {
    requirePerson(request);
    const known = await desk.require(runOf(request));
    return history.read(known);
  });
  server.get("/api/runs/:run/clusters", async (request) => {
    requirePerson(request);
    return await desk.clusters(runOf(request));
  });
  server.get("/api/runs/:run/records", async (request) => {
    requirePerson(request);
    return await records.read(await desk.require(runOf(request)));
  });
}

function addItems(server: FastifyInstance, { desk, audit }: RunRoutesDeps): void {
  server.get("/api/runs/:run/items", async (request) => {
    const { cluster: named, ...search } = parseInput(itemQuery, request.query);
    // Searching a text tells what is in it, bit by bit.
    if (search.in === "text" && search.text !== "") requireOperator(request);
    else requirePerson(request);
    const run = runOf(request);
    const folder = await desk.requireFolder(run);
    const cluster = named === undefined ? undefined : await desk.requireCluster(run, named);
    return await findItems(folder, { ...search, cluster });
  });
  server.get("/api/runs/:run/items/:index", async (request): Promise<ItemStory> => {
    requirePerson(request);
    const { run, index } = parseInput(itemParams, request.params);
    return await desk.story(run, index);
  });
  server.post("/api/runs/:run/items/:index/reveal", async (request): Promise<RevealedItem> => {
    requireSameOrigin(request);
    const person = requireOperator(request);
    parseInput(emptyBody, request.body);
    const { run, index } = parseInput(itemParams, request.params);
    const revealed = await desk.reveal(run, index);
    await desk.deps.gate.ask(() => audit.note(person, { action: "reveal", target: `${run} item ${index}` }));
    return revealed;
  });
}

function addActing(server: FastifyInstance, { desk, audit, search }: RunRoutesDeps): void {
  const { gate } = desk.deps;
  for (const action of STATE_ACTIONS) {
    server.post(`/api/runs/:run/${action}`, async (request): Promise<RunActionResult> => {
      requireSameOrigin(request);
      const person = requireOperator(request);
      parseInput(emptyBody, request.body);
      const known = await desk.require(runOf(request));
      const act = { action, target: known.run };
      return await audit.act(gate, person, act, () => gate.ask(() => changeRun(action, known, desk.deps)));
    });
  }
  server.post("/api/runs/:run/window", async (request): Promise<RunActionResult> => {
    requireSameOrigin(request);
    const person = requireOperator(request);
    const { items } = parseInput(windowBody, request.body);
    const known = await desk.require(runOf(request));
    const act = { action: "window", target: known.run, detail: `${items} items` };
    return await audit.act(gate, person, act, () => gate.ask(() => setWindow(known, items, desk.deps)));
  });
  server.post("/api/runs/:run/search", async (request): Promise<SearchResult> => {
    requireSameOrigin(request);
    const person = requireOperator(request);
    const { text, top } = parseInput(searchBody, request.body);
    const folder = await desk.requireFolder(runOf(request));
    const act = { action: "search", target: folder.manifest.run };
    return await audit.act(gate, person, act, () => search.search(folder, text, top));
  });
}

function addRetry(server: FastifyInstance, { desk, audit }: RunRoutesDeps): void {
  const { gate, retries } = desk.deps;
  server.post("/api/runs/:run/retry", async (request): Promise<RetryStatus> => {
    requireSameOrigin(request);
    const person = requireOperator(request);
    const { kinds, cluster, rest } = parseInput(retryBody, request.body);
    const { run } = parseInput(runParams, request.params);
    const page = await desk.page(run);
    const detail = cluster ?? kinds?.join(",") ?? "all failures";
    return await audit.act(gate, person, { action: "retry", target: run, detail }, async () => {
      requireRetry(page, rest === true);
      const folder = await desk.requireFolder(run);
      const served = desk.deps.sampler.latest?.workers.some(({ state }) => state === "alive");
      return retries.start({
        run,
        dir: folder.dir,
        who: person.who,
        workers: served ? 0 : undefined,
        kinds,
        cluster,
      });
    });
  });
}

/** Throws an HttpError for a run that cannot be retried, or whose retry would do more than was agreed to. */
function requireRetry({ actions, refusals, refusalCodes, left = 0 }: RunPage, withRest: boolean): void {
  if (!actions.includes("retry")) {
    throw new HttpError("wrong-state", refusals.retry ?? "This run has no failed items.", {
      reason: refusalCodes?.retry ?? "no-failed-items",
    });
  }
  if (left === 0 || withRest) return;
  throw new HttpError(
    "wrong-state",
    `The run is not finished: a retry goes on with what has no record yet as well (items: ${left}).`,
    { hint: "Agree to that, or run its command again first.", reason: "items-left" },
  );
}

function addExport(server: FastifyInstance, { desk, audit }: RunRoutesDeps): void {
  const { gate } = desk.deps;
  server.get("/api/runs/:run/clusters/:cluster/export", async (request, reply) => {
    const texts = (request.query as { readonly texts?: string }).texts === "1";
    const person = texts ? requireOperator(request) : requirePerson(request);
    const { run, cluster } = parseInput(clusterParams, request.params);
    const folder = await desk.requireFolder(run);
    const wanted = await desk.requireCluster(run, cluster);
    if (folder.spool === undefined) throw new HttpError("unknown-cluster", "This run has no failed items.");
    if (request.method === "HEAD") return await reply.type(NDJSON).send();
    const detail = texts ? "with texts" : "";
    await gate.ask(() => audit.note(person, { action: "export", target: `${run} ${cluster}`, detail }));
    return await reply
      .type(NDJSON)
      .header("content-disposition", `attachment; filename="failures-${cluster.replace(":", "-")}.jsonl"`)
      .send(Readable.from(exportCluster(folder, { wanted, texts })));
  });
}

function runOf(request: FastifyRequest): string {
  return parseInput(runParams, request.params).run;
}
