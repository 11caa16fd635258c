import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "#src/core/failures/errors.ts";
import { getRunDatabasePath } from "./run-database.ts";

/** Folder inside a run's output folder for the files of an unfinished run. */
export const WORK_FOLDER = ".work";

/** Present in the work folders of versions before the run database. */
const OLD_ITEMS_FILE = "items.jsonl";

/**
 * Throws a RunError when the unfinished run in `dir` was started by a version that stored it in another way. Its answers
 * are complete for that version only.
 */
export function assertRunResumable(dir: string): void {
  if (existsSync(getRunDatabasePath(dir)) || !existsSync(join(dir, WORK_FOLDER, OLD_ITEMS_FILE))) return;
  throw new RunError(
    `${join(dir, WORK_FOLDER)} was written by Sluice 0.2 or earlier, and this version cannot resume it`,
    "Finish the run with the version that started it, or discard its answers by starting it again with --force.",
  );
}
