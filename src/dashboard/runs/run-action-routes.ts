import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { requireOperatorChange } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { describeFilter, type ItemFilterParams, itemFilterParams } from "#src/dashboard/items/item-query-params.ts";
import { ACTION_RESULTS, AUDIT_DETAILS, ERRORS } from "#src/dashboard/messages.ts";
import type { UserTransition } from "#src/state/runs/run-transitions.ts";
import type { RetryStatus } from "./retry-api.ts";
import { changeRunState, setWindow } from "./run-actions.ts";
import type { RunActionResult, RunPage } from "./run-api.ts";
import type { RunInfo } from "./run-cache.ts";
import { emptyBody, parseRunParam } from "./run-params.ts";

const TRANSITIONS: readonly UserTransition[] = ["pause", "resume", "cancel"];

const windowBody = z.strictObject({ items: z.int().min(1).max(1_000_000) });
const retryBody = z.strictObject({
  filter: itemFilterParams.strict().optional(),
  includeUnfinished: z.literal(true).optional(),
});

type RunActionRoutesDeps = Pick<
  DashboardServices,
  "client" | "keys" | "breaker" | "sampler" | "audit" | "runService" | "retries"
>;

/** The routes that change runs. */
export function runActionRoutes(deps: RunActionRoutesDeps) {
  const { breaker, audit, runService } = deps;
  return async (server: FastifyInstance): Promise<void> => {
    for (const action of TRANSITIONS) {
      server.post(`/api/runs/:run/${action}`, async (request): Promise<RunActionResult> => {
        const principal = requireOperatorChange(request);
        parseInput(emptyBody, request.body);
        const known = await runService.requireRun(parseRunParam(request));
        return await audit.runAudited(breaker, principal, { action, target: known.run }, () =>
          action === "resume" && !known.hasCoordinator
            ? restartRun(known, principal.userName, deps)
            : breaker.run(() => changeRunState(action, known, deps)),
        );
      });
    }
    server.post("/api/runs/:run/window", async (request): Promise<RunActionResult> => {
      const principal = requireOperatorChange(request);
      const { items } = parseInput(windowBody, request.body);
      const known = await runService.requireRun(parseRunParam(request));
      const auditedAction = { action: "window", target: known.run, detail: AUDIT_DETAILS.window(items) };
      return await audit.runAudited(breaker, principal, auditedAction, () =>
        breaker.run(() => setWindow(known, items, deps)),
      );
    });
    addRetryRoute(server, deps);
  };
}

function addRetryRoute(server: FastifyInstance, deps: RunActionRoutesDeps): void {
  const { breaker, audit, runService, retries, sampler } = deps;
  server.post("/api/runs/:run/retry", async (request): Promise<RetryStatus> => {
    const principal = requireOperatorChange(request);
    const { filter = {}, includeUnfinished = false } = parseInput(retryBody, request.body);
    const run = parseRunParam(request);
    const page = await runService.readPage(run);
    const detail = Object.keys(filter).length === 0 ? AUDIT_DETAILS.retryAll : describeFilter(filter);
    return await audit.runAudited(breaker, principal, { action: "retry", target: run, detail }, async () => {
      assertRetryAllowed(page, filter, includeUnfinished);
      const { dir, hasDatabase } = await runService.requireFolder(run);
      if (!hasDatabase) throw new HttpError(ERRORS.needsDatabase);
      const { userName } = principal;
      return retries.start({ action: "retry", run, dir, userName, workers: chooseWorkers(sampler), filter });
    });
  });
}

/** Worker processes for a run that this server starts: none if others are alive. */
function chooseWorkers({ latest }: RunActionRoutesDeps["sampler"]): 0 | undefined {
  return latest?.workers.some(({ state }) => state === "alive") ? 0 : undefined;
}

/** Runs the command of a run without a coordinator again. Throws an HttpError if its state or its folder does not allow it. */
async function restartRun(
  known: RunInfo,
  userName: string,
  { runService, retries, sampler }: RunActionRoutesDeps,
): Promise<RunActionResult> {
  const { run } = known;
  const { actions, refusals, refusalCodes, phase } = await runService.readPage(run);
  if (!actions.includes("resume")) {
    const [reason = "nothing-to-resume", message = ACTION_RESULTS.nothingToResume] = [
      refusalCodes?.resume,
      refusals.resume,
    ];
    throw new HttpError(ERRORS.actionRefused(reason, message));
  }
  const { dir } = await runService.requireFolder(run);
  retries.start({ action: "resume", run, dir, userName, workers: chooseWorkers(sampler) });
  return { run, changed: true, phase, message: ACTION_RESULTS.restart };
}

/** Throws an HttpError if the run cannot be retried, or if the retry would do more than the user has confirmed. */
function assertRetryAllowed(
  { actions, refusals, refusalCodes, itemsWithoutRecord = 0 }: RunPage,
  { status, empty }: ItemFilterParams,
  includeUnfinished: boolean,
): void {
  const retryStatus = empty === "1" ? "succeeded" : "failed";
  if (status !== undefined && status !== retryStatus) throw new HttpError(ERRORS.noFailedItems);
  // A run without failures may have empty answers.
  const mayRetry = actions.includes("retry") || (empty === "1" && refusals.retry === undefined);
  if (!mayRetry) {
    const [reason, message] = [refusalCodes?.retry, refusals.retry];
    throw new HttpError(
      reason === undefined || message === undefined ? ERRORS.noFailedItems : ERRORS.actionRefused(reason, message),
    );
  }
  if (itemsWithoutRecord > 0 && !includeUnfinished) throw new HttpError(ERRORS.itemsLeft(itemsWithoutRecord));
}
