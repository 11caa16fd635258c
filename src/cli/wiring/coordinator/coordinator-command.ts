import { join } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { describeProblems } from "#src/cli/format/describe-problems.ts";
import { readVersion } from "#src/cli/version.ts";
import {
  type CommandContext,
  type CoordinatorCommandOptions,
  withCommandContext,
} from "#src/cli/wiring/command-context.ts";
import type { Config } from "#src/config/config.ts";
import type { ItemQuery } from "#src/producer/items/item-query.ts";
import type { RunExecution, RunKind } from "#src/producer/run-kinds/run-kind.ts";
import type { NewRun } from "#src/producer/runs/base-manifest.ts";
import { lockFolder } from "#src/producer/runs/folder/folder-lock.ts";
import { type PrepareResult, prepareRun } from "#src/producer/runs/prepare-run.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import { COORDINATOR_MESSAGES } from "./coordinator-messages.ts";
import { executeInFolder } from "./execute-in-folder.ts";
import { ServicePrestarter } from "./prestart-run-services.ts";
import { requireRunLanes } from "./run-lanes.ts";
import { openRunServices } from "./run-services.ts";

/**
 * Plans or resumes a run in its output folder, executes it with workers of its own and writes the output. Resolves with
 * the exit code.
 */
export async function runInFolder<M extends RunManifest>(
  kind: RunKind<M>,
  request: Pick<NewRun, "paths" | "dir" | "force">,
  config: Config,
  options: CoordinatorCommandOptions,
): Promise<number> {
  const { commandLine, name, note } = options;
  const newRun = { ...request, commandLine, name, note, sluiceVersion: readVersion(), now: Date.now() };
  if (kind.planner.models) requireRunLanes(config, kind.planner.models);
  return await withCommandContext(config, options, async (context) => {
    const prestarter = new ServicePrestarter(() => openRunServices(request.dir, context));
    try {
      const preparation = await prepare(kind, newRun, context, prestarter);
      if (preparation.outcome !== "ready") return reportWithoutRun(preparation, newRun, context);
      const { run } = preparation;
      try {
        return await executeInFolder(run, kind, context, () => prestarter.acquire());
      } finally {
        await run.unlock();
      }
    } finally {
      await prestarter.close();
    }
  });
}

/** Resets the items of a finished or stopped run that match the query, and resumes it in its folder. */
export async function retryInFolder<M extends RunManifest>(
  target: { readonly dir: string; readonly manifest: M; readonly query: ItemQuery },
  kind: RunExecution<M>,
  config: Config,
  options: CoordinatorCommandOptions,
): Promise<number> {
  const { dir, manifest, query } = target;
  requireRunLanes(config, kind.listModels(manifest));
  return await withCommandContext(config, options, async (context) => {
    const unlock = await lockFolder(join(dir, WORK_FOLDER));
    const run = { dir, manifest, resumed: true, unlock };
    try {
      return await executeInFolder(run, kind, context, () => openRunServices(dir, context), query);
    } finally {
      await unlock();
    }
  });
}

async function prepare<M extends RunManifest>(
  { planner }: RunKind<M>,
  newRun: NewRun,
  { reporter, signal }: CommandContext,
  prestarter: ServicePrestarter,
): Promise<PrepareResult<M>> {
  try {
    return await prepareRun(newRun, planner, {
      signal: AbortSignal.any([signal, prestarter.failed]),
      // Services can only start early if the lanes are known to be usable.
      onPlanning: () => {
        if (planner.models) prestarter.scheduleStart();
      },
      onProgress: (progress) => reporter.planning(progress),
      onNote: (message) => reporter.event({ type: "note", message }),
    });
  } catch (error) {
    const { interruptedWhilePlanning, planAgainHint } = COORDINATOR_MESSAGES;
    if (signal.aborted) throw new RunStoppedError("interrupted", interruptedWhilePlanning, planAgainHint);
    throw error;
  }
}

function reportWithoutRun(
  preparation: Exclude<PrepareResult, { readonly outcome: "ready" }>,
  { dir, paths }: NewRun,
  { options: { json, out }, reporter }: CommandContext,
): number {
  if (preparation.outcome === "refused") {
    const { plan } = preparation;
    const { problems, problemCount } = plan;
    if (json) reporter.end({ outcome: "stopped", message: COORDINATOR_MESSAGES.refused(problemCount), problems });
    reporter.close();
    process.stderr.write(describeProblems(plan));
    return EXIT_CODES.couldNotComplete;
  }
  const { manifest } = preparation;
  if (json) reporter.end({ outcome: "finished", report: manifest, output: out });
  reporter.close();
  process.stderr.write(COORDINATOR_MESSAGES.alreadyFinished(manifest, dir, paths.includes("-")));
  return manifest.items.failed > 0 ? EXIT_CODES.itemsFailed : EXIT_CODES.ok;
}
