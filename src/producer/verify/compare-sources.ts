import { createHash } from "node:crypto";
import { listSources } from "#src/producer/input/list-sources.ts";
import { type SourceFile, UnreadableSourceError } from "#src/producer/input/source.ts";
import { readFileBytes } from "#src/producer/input/source-bytes.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { VerifyProblems } from "./verify-problems.ts";

export interface SourcePaths {
  /** Files, folders and globs, as they were passed to the run. */
  readonly paths: readonly string[];
  readonly cwd: string;
  /** The output folder, which may be inside a source folder. */
  readonly exclude: readonly string[];
}

/** Compares source files with the hash of what a run read. Resolves with the number of files and bytes read. */
export async function compareSources(
  options: SourcePaths,
  { source }: Pick<RunManifest, "source">,
  problems: VerifyProblems,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const listing = await listSources(options);
  for (const { where, message } of listing.problems) problems.add({ file: where, message });
  const hash = createHash("sha256");
  let bytes = 0;
  const read = async (file: SourceFile) => {
    hash.update(`${JSON.stringify([file.name, file.size])}\n`);
    for await (const chunk of readFileBytes(file, () => undefined)) {
      // A run with --limit stops in the middle of a file.
      const part = chunk.subarray(0, source.bytes - bytes);
      hash.update(part);
      bytes += part.length;
      if (part.length < chunk.length) break;
    }
  };
  const files = listing.files.slice(0, source.files);
  for (const file of files) {
    try {
      await read(file);
    } catch (error) {
      if (!(error instanceof UnreadableSourceError)) throw error;
      problems.add({ file: file.displayPath, message: error.message });
    }
  }
  if (hash.digest("hex") !== source.sha256) {
    const file = options.paths.join(", ");
    problems.add({ file, message: `the sources are not those that the run read (${source.paths.join(", ")})` });
  }
  return { files: files.length, bytes };
}
