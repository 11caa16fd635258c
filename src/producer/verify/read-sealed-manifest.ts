import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { OutputDigests } from "#src/producer/output/digests/output-recorder.ts";
import { MANIFEST_FILE, type RunManifest, runManifest } from "#src/producer/runs/run-manifest.ts";
import { isSealIntact } from "#src/producer/runs/sealed-text.ts";

export interface SealedManifest {
  /** Undefined if the file is too damaged to be read. */
  readonly manifest: RunManifest | undefined;
  /** Undefined if the file is too damaged to be read. */
  readonly digests: OutputDigests | undefined;
  /** Whether the file is as it was written. */
  readonly isIntact: boolean;
}

/** Throws a RunError for a folder without a finished run, and for a run whose version recorded no digests. */
export async function readSealedManifest(dir: string): Promise<SealedManifest> {
  const path = join(dir, MANIFEST_FILE);
  const bytes = await readFile(path).catch((error) => {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new RunError(
        `${dir} contains no run: ${MANIFEST_FILE} not found`,
        "Pass the output folder of a run.",
        error,
      );
    }
    throw new RunError(`${path}: cannot be read (${code})`, "Check the permissions of the folder.", error);
  });
  const seal = isSealIntact(bytes);
  const manifest = runManifest.safeParse(parseJson(bytes.toString("utf8"))).data;
  const digests = manifest?.digests;
  // Whatever else a file lacks whose seal is broken, it was changed.
  if (seal === false || (digests && seal === undefined && manifest?.state === "finished")) {
    return { manifest, digests, isIntact: false };
  }
  if (!manifest) {
    throw new RunError(`${path}: not the manifest of a run of this version`, "Pass the output folder of a run.");
  }
  if (manifest.state !== "finished") {
    throw new RunError(
      `the run in ${dir} is ${manifest.state}`,
      `Run "${SUGGESTED_COMMANDS.resume(dir)}": it resumes where it stopped.`,
    );
  }
  if (digests) return { manifest, digests, isIntact: true };
  throw new RunError(
    `the run in ${dir} was written by Sluice ${manifest.sluice}, which recorded no digests; it cannot be verified`,
    "Write the output again with this version.",
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
