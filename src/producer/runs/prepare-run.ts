import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Plan } from "#src/producer/plan/plan.ts";
import type { PreparedRun, PrepareHooks, RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import { createBaseManifest, type NewRun } from "./base-manifest.ts";
import { writeCommandLine } from "./command-line.ts";
import { removeLeftWorkFolder } from "./finish-run.ts";
import { lockFolder } from "./folder/folder-lock.ts";
import { clearOutputFolder, createOutputFolder } from "./folder/output-folder.ts";
import { assertRunResumable, requireSameRun } from "./resume-checks.ts";
import { type RunManifest, readManifest, writeManifest } from "./run-manifest.ts";

export type PrepareResult<M extends RunManifest = RunManifest> =
  | { readonly outcome: "ready"; readonly run: PreparedRun<M> }
  /** The folder contains this run, and it is finished. */
  | { readonly outcome: "finished"; readonly manifest: M }
  /** The input has problems. Nothing was kept and nothing will be sent. */
  | { readonly outcome: "refused"; readonly plan: Plan };

/**
 * Plans a new run in its output folder, or resumes the one that is there. Throws a RunError for a folder that contains
 * another run, so that no command ever mixes two runs. Needs no Redis and sends nothing.
 */
export async function prepareRun<M extends RunManifest>(
  request: NewRun,
  planner: RunPlanner<M>,
  hooks: PrepareHooks = {},
): Promise<PrepareResult<M>> {
  const { dir, force } = request;
  const work = join(dir, WORK_FOLDER);
  await createOutputFolder(dir);
  const existing = force ? undefined : await readManifest(dir);
  const matched = existing && (await requireSameRun(existing, request, planner, hooks));
  if (matched?.state === "finished") {
    await removeLeftWorkFolder(dir, matched);
    return { outcome: "finished", manifest: matched };
  }
  const unlock = await lockFolder(work);
  try {
    if (matched) {
      assertRunResumable(dir);
      if (request.commandLine) writeCommandLine(dir, request.commandLine);
      const { name = matched.name, note = matched.note } = request;
      return { outcome: "ready", run: { dir, manifest: { ...matched, name, note }, resumed: true, unlock } };
    }
    await clearOutputFolder(dir, force);
    hooks.onPlanning?.();
    const plan = await planner.plan(dir, hooks);
    for (const note of plan.notes) hooks.onNote?.(note);
    if (!plan.isAccepted) {
      await unlock();
      await rm(work, { recursive: true, force: true });
      // Removes the folder only if it is empty.
      await rmdir(dir).catch(() => undefined);
      return { outcome: "refused", plan };
    }
    const manifest = planner.createManifest(plan, (kind) => createBaseManifest(kind, request, plan));
    if (request.commandLine) writeCommandLine(dir, request.commandLine);
    await writeManifest(dir, manifest);
    return { outcome: "ready", run: { dir, manifest, resumed: false, unlock } };
  } catch (error) {
    await unlock();
    throw error;
  }
}
