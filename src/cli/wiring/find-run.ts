import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";

/** The id of a run that is named by its id or its output folder. Throws RunError if the folder contains no run. */
export async function findRunId(requested: string): Promise<string> {
  const dir = resolve(requested);
  if (!existsSync(dir)) return requested;
  const manifest = await readManifest(dir);
  if (manifest) return manifest.run;
  throw CLI_ERRORS.folderWithoutRun(dir);
}

/** Redis does not know the run. */
export const createUnknownRunError = CLI_ERRORS.unknownRun;
