import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { RunError } from "#src/core/errors.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";

/** The id of the run that a person named by its id or by its output folder. Throws when the folder holds none. */
export async function findRunId(requested: string): Promise<string> {
  const dir = resolve(requested);
  const isFolder = await access(dir).then(
    () => true,
    () => false,
  );
  if (!isFolder) return requested;
  const manifest = await readManifest(dir);
  if (manifest) return manifest.run;
  throw new RunError(`${dir} holds no run`, "name a run or its output folder");
}

/** Redis knows nothing of the run. */
export function createUnknownRunError(requested: string): RunError {
  return new RunError(
    `no run "${requested}" in this Redis`,
    '"sluice runs" lists them; a run can also be named by its output folder',
  );
}
