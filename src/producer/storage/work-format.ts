import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errorCode, RunError } from "#src/core/failures/errors.ts";

/**
 * Format of the files in a work folder. Raise it when a file changes in a way that the code before the change would
 * read wrongly; from then on that code refuses the folder. This code reads every format up to its own.
 *
 *   1  no format file; duplicates are called `sameAs` in items.jsonl and listed in copies.bin
 *   2  `duplicateOf` in items.jsonl, listed in duplicates.bin
 */
export const WORK_FORMAT = 2;
export const WORK_FORMAT_FILE = "format.json";

const formatFile = z.looseObject({ version: z.int().positive() });

/** Marks a new work folder with the current format; durable when this resolves. */
export async function writeWorkFormat(workFolder: string): Promise<void> {
  await writeFile(join(workFolder, WORK_FORMAT_FILE), `${JSON.stringify({ version: WORK_FORMAT })}\n`, { flush: true });
}

/** Throws a RunError for a work folder that a newer version wrote. A folder without a format file has format 1. */
export async function assertWorkFormatReadable(workFolder: string): Promise<void> {
  const version = await readWorkFormat(join(workFolder, WORK_FORMAT_FILE));
  if (version <= WORK_FORMAT) return;
  throw new RunError(
    `${workFolder} was written by a newer version of Sluice (format ${version}; this version reads up to ${WORK_FORMAT})`,
    "Upgrade Sluice and run the same command again, or discard this run by starting it again with --force.",
  );
}

async function readWorkFormat(path: string): Promise<number> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return 1;
    throw new RunError(`${path}: cannot be read (${errorCode(error)})`, "Check the folder's permissions.", error);
  }
  try {
    return formatFile.parse(JSON.parse(text)).version;
  } catch (error) {
    throw new RunError(
      `${path}: the file is damaged`,
      "Discard this run by starting it again with --force, or choose another folder with --out.",
      error,
    );
  }
}
