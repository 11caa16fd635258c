import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { Differences, PrepareHooks, RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { countAnswers, getRunDatabasePath } from "#src/producer/storage/run-database.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import type { NewRun } from "./base-manifest.ts";
import { listOptionDifferences, readCommandLine } from "./command-line.ts";
import type { RunManifest } from "./run-manifest.ts";

/** Present in the work folders of Sluice 0.1, which had no run database. */
const OLD_ITEMS_FILE = "items.jsonl";

/**
 * Throws a RunError when the unfinished run in `dir` was started by a version that stored it in another way. Its answers
 * are complete for that version only.
 */
export function assertRunResumable(dir: string): void {
  if (existsSync(getRunDatabasePath(dir)) || !existsSync(join(dir, WORK_FOLDER, OLD_ITEMS_FILE))) return;
  throw new RunError(
    `${join(dir, WORK_FOLDER)} was written by Sluice 0.1, and this version cannot resume it`,
    "Finish the run with the version that started it, or discard its answers by starting it again with --force.",
  );
}

/** The existing run must have the same kind, models, input and items as the requested one. */
export async function requireSameRun<M extends RunManifest>(
  existing: RunManifest,
  { dir, commandLine }: NewRun,
  planner: RunPlanner<M>,
  hooks: PrepareHooks,
): Promise<M> {
  const matched = await planner.matchExistingRun(existing, hooks);
  if (!isDifferences(matched)) return matched;
  const before = commandLine && existing.state !== "finished" ? readCommandLine(dir) : undefined;
  const options = before && commandLine ? listOptionDifferences(before, commandLine) : [];
  throw new RunError(
    `${dir} contains another run (${existing.run}, ${existing.state}): ${(options.length > 0 ? options : matched).join("; ")}`,
    describeChoices(existing, dir),
  );
}

function describeChoices({ state, items }: RunManifest, dir: string): string {
  const resume = state === "finished" ? "" : `To resume that run, run "${SUGGESTED_COMMANDS.resume(dir)}". `;
  const answers = Math.max(items.succeeded, countAnswers(dir));
  const cost = answers > 0 ? `, and the ${answers} answers in it would be paid for again` : "";
  return `${resume}For a new run, choose another folder with --out. (--force deletes that run${cost}.)`;
}

function isDifferences(matched: RunManifest | Differences): matched is Differences {
  return Array.isArray(matched);
}
