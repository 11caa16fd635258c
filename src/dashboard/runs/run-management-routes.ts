import type { FastifyInstance } from "fastify";
import * as z from "zod";
import { RunError } from "#src/core/failures/errors.ts";
import { requireOperatorChange } from "#src/dashboard/auth/require-principal.ts";
import type { DashboardServices } from "#src/dashboard/create-services.ts";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { parseInput } from "#src/dashboard/http/parse-input.ts";
import { ACTION_RESULTS, AUDIT_DETAILS, ERRORS } from "#src/dashboard/messages.ts";
import { removeRun } from "#src/producer/runs/management/remove-run.ts";
import { renameRun } from "#src/producer/runs/management/rename-run.ts";
import { findNameProblem, findNoteProblem } from "#src/producer/runs/run-label.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { RunActionResult } from "./run-api.ts";
import { locateRunFolder } from "./run-folder.ts";
import { parseRunParam } from "./run-params.ts";
import { getRunPhase } from "./summarize-run.ts";

/** A text that may be empty, which removes the name or the note. */
function labelText(findProblem: (text: string) => string | undefined) {
  return z
    .string()
    .check(({ value, issues }) => {
      const message = value === "" ? undefined : findProblem(value);
      if (message !== undefined) issues.push({ code: "custom", message, input: value });
    })
    .optional();
}

const labelBody = z
  .strictObject({ name: labelText(findNameProblem), note: labelText(findNoteProblem) })
  .refine(({ name, note }) => name !== undefined || note !== undefined, "expected a name or a note");
const deleteBody = z.strictObject({ outputs: z.boolean().default(false) });

type RunManagementRoutesDeps = Pick<
  DashboardServices,
  "client" | "keys" | "breaker" | "audit" | "runService" | "runCache"
>;

/** The routes that rename and delete runs. */
export function runManagementRoutes({ client, keys, breaker, audit, runService, runCache }: RunManagementRoutesDeps) {
  return async (server: FastifyInstance): Promise<void> => {
    server.post("/api/runs/:run/label", async (request): Promise<RunActionResult> => {
      const principal = requireOperatorChange(request);
      const label = parseInput(labelBody, request.body);
      const known = await runService.requireRun(parseRunParam(request));
      const { run } = known;
      const action = { action: "rename", target: run, detail: label.name };
      return await audit.runAudited(breaker, principal, action, async () => {
        const found = await locateRunFolder(known);
        if (!found.isReadable && !known.hasCoordinator) {
          throw new HttpError(ERRORS.folderUnavailable(found.refusal.reason, found.refusal.message));
        }
        const dir = found.isReadable ? found.folder.dir : undefined;
        await refuseIfInUse(breaker.run(() => renameRun(new RunControl(client, keys, run), dir, label)));
        return { run, changed: true, phase: getRunPhase(known), message: ACTION_RESULTS.rename };
      });
    });
    server.post("/api/runs/:run/delete", async (request): Promise<RunActionResult> => {
      const principal = requireOperatorChange(request);
      const { outputs } = parseInput(deleteBody, request.body);
      const known = await runService.requireRun(parseRunParam(request));
      const { run } = known;
      const action = { action: "delete", target: run, detail: outputs ? AUDIT_DETAILS.deleteWithOutputs : undefined };
      return await audit.runAudited(breaker, principal, action, async () => {
        const found = await locateRunFolder(known);
        const dir = found.isReadable ? found.folder.dir : undefined;
        // Not limited to the time of a Redis command: deleting the files of a large run takes longer.
        await refuseIfInUse(removeRun(new RunControl(client, keys, run), dir, { outputs }));
        await breaker.run(() => runCache.refresh(run));
        return { run, changed: true, phase: "unknown", message: ACTION_RESULTS.delete };
      });
    });
  };
}

/** A RunError of these actions says that another process uses the run or its folder. */
async function refuseIfInUse(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    throw error instanceof RunError ? new HttpError(ERRORS.runInUse(error)) : error;
  }
}
