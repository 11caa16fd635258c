import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { OUTPUT_FILES } from "#src/producer/output/result-writer.ts";
import { MANIFEST_FILE } from "#src/producer/runs/run-manifest.ts";
import { deleteRunDatabase, hasRecords, isRunDatabaseFile } from "#src/producer/storage/run-database.ts";
import { RUN_DATABASE } from "#src/producer/storage/schema.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";

/** Creates the output folder of a run, if needed. Throws a RunError if that is not possible. */
export async function createOutputFolder(dir: string): Promise<void> {
  try {
    await makeFolders(dir);
  } catch (error) {
    const code = errorCode(error);
    const reason = code === "EEXIST" || code === "ENOTDIR" ? "it is a file" : code;
    throw new RunError(`${dir}: cannot be used as output folder (${reason})`, "Choose another one with --out.", error);
  }
}

/**
 * Removes what an earlier run left in the output folder, whose lock is held. Throws a RunError if the folder contains
 * files that no run writes, or results and `force` is false.
 */
export async function clearOutputFolder(dir: string, force: boolean): Promise<void> {
  const runFiles = new Set<string>([MANIFEST_FILE, WORK_FOLDER, ...OUTPUT_FILES]);
  const names = await readdir(dir);
  const foreignFiles = names.filter(
    (name) => !runFiles.has(name) && !name.startsWith(`${MANIFEST_FILE}.`) && !isRunDatabaseFile(name),
  );
  if (foreignFiles.length > 0) {
    throw new RunError(
      `${dir} is not empty: it contains ${listNames(foreignFiles)}`,
      "Choose an empty or new folder with --out.",
    );
  }
  // A kill right after planning leaves a database without records, and no manifest or a part of one.
  const isDatabaseUsed = names.includes(RUN_DATABASE) && hasRecords(dir);
  const results = names.filter((name) => (name === RUN_DATABASE ? isDatabaseUsed : OUTPUT_FILES.includes(name)));
  if (results.length > 0 && !force) {
    throw new RunError(
      `${dir} contains ${listNames(results)} of a run, but no ${MANIFEST_FILE}`,
      "Choose another folder with --out, or delete these files with --force.",
    );
  }
  for (const name of names) {
    if (name !== WORK_FOLDER) await rm(join(dir, name), { recursive: true, force: true });
  }
  // Reading the database has created files beside it.
  await deleteRunDatabase(dir);
  const work = join(dir, WORK_FOLDER);
  for (const name of await readdir(work)) {
    if (name !== "lock") await rm(join(work, name), { recursive: true, force: true });
  }
}

function listNames(names: readonly string[]): string {
  return `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", ..." : ""}`;
}

/**
 * Creates a folder and its parents one by one. Node's own recursive mkdir never returns if the system answers ENOENT
 * for a folder that cannot be created at all, as under /proc.
 */
async function makeFolders(dir: string): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    const code = errorCode(error);
    const parent = dirname(dir);
    if (code === "ENOENT" && parent !== dir && !(await isFolder(parent))) {
      await makeFolders(parent);
      await mkdir(dir);
    } else if (code !== "EEXIST" || !(await isFolder(dir))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
