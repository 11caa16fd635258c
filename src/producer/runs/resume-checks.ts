import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import type { Differences, PrepareHooks, RunPlanner } from "#src/producer/run-kinds/run-kind.ts";
import { getRunDatabasePath } from "#src/producer/storage/run-database.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
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
  dir: string,
  planner: RunPlanner<M>,
  hooks: PrepareHooks,
): Promise<M> {
  const matched = await planner.matchExistingRun(existing, hooks);
  if (!isDifferences(matched)) return matched;
  throw new RunError(
    `${dir} contains another run (${existing.run}, ${existing.state}): ${matched.join("; ")}`,
    "Choose another folder with --out, or delete that run with --force.",
  );
}

function isDifferences(matched: RunManifest | Differences): matched is Differences {
  return Array.isArray(matched);
}
