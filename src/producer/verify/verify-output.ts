import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { coerceError, errorCode } from "#src/core/failures/errors.ts";
import { FileHasher } from "#src/producer/output/digests/file-hasher.ts";
import type { OutputDigests } from "#src/producer/output/digests/output-recorder.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { isBatch, MANIFEST_FILE, type RunManifest } from "#src/producer/runs/run-manifest.ts";
import { compareSources } from "./compare-sources.ts";
import type { FoundRows } from "./found-row.ts";
import { listRowFiles, type RowFile } from "./list-row-files.ts";
import { readSealedManifest } from "./read-sealed-manifest.ts";
import { RowChecker } from "./row-checker.ts";
import { RowDigests } from "./row-digests.ts";
import { type VerifyProblem, VerifyProblems } from "./verify-problems.ts";

export interface VerifyOptions {
  /** Sources to compare with those of the run, and the folder that relative paths start from. */
  readonly sources?: { readonly paths: readonly string[]; readonly cwd: string } | undefined;
}

export interface VerifyReport {
  /** Undefined if `run.json` is too damaged to be read; nothing else was checked then. */
  readonly manifest: RunManifest | undefined;
  /** Bytes that were hashed. */
  readonly bytes: number;
  /** Rows that were compared with their digests; undefined if there are no intact digests. */
  readonly rows: number | undefined;
  readonly sources: { readonly files: number; readonly bytes: number } | undefined;
  /** The first problems, and the number of all. */
  readonly problems: readonly VerifyProblem[];
  readonly problemCount: number;
}

/**
 * Proves that the output of a finished run is complete and unchanged, from its folder alone and in constant memory. Throws
 * a RunError for a folder that cannot be verified: no run, not finished, or written by a version without digests.
 */
export async function verifyOutput(dir: string, { sources }: VerifyOptions = {}): Promise<VerifyReport> {
  const problems = new VerifyProblems();
  const { manifest, digests, isIntact } = await readSealedManifest(dir);
  if (!isIntact) problems.add({ file: MANIFEST_FILE, message: "the file was changed after the run wrote it" });
  const checked = manifest && digests ? await checkFiles(dir, manifest, digests, problems) : { bytes: 0 };
  const compared =
    manifest && sources ? await compareSources({ ...sources, exclude: [dir] }, manifest, problems) : undefined;
  return {
    manifest,
    bytes: checked.bytes,
    rows: checked.rows,
    sources: compared,
    problems: problems.kept,
    problemCount: problems.count,
  };
}

interface CheckedFiles {
  readonly bytes: number;
  readonly rows?: number | undefined;
}

async function checkFiles(
  dir: string,
  manifest: RunManifest,
  digests: OutputDigests,
  problems: VerifyProblems,
): Promise<CheckedFiles> {
  await findForeignFiles(dir, digests, problems);
  checkCounts(manifest, digests, problems);
  const hasher = new FileHasher();
  const context = { dir, digests, hasher, problems };
  const isIntact = await compareHash(RESULT_FILES.digests, context);
  const rowFiles = listRowFiles(dir, manifest);
  const rowProblems = new VerifyProblems();
  await using rows = isIntact ? await RowDigests.open(join(dir, RESULT_FILES.digests)) : undefined;
  for (const { name } of digests.files) {
    if (name === RESULT_FILES.digests) continue;
    const file = rowFiles.find((candidate) => candidate.name === name);
    if (rows && file) await checkRows(file, rows, rowProblems, (read) => hasher.add(join(dir, name), read));
    await compareHash(name, context);
  }
  problems.addAll(rowProblems);
  const bytes = digests.files.reduce((sum, file) => sum + file.bytes, 0);
  return { bytes, rows: isIntact ? digests.rows : undefined };
}

/** Adds a problem for every file that has the name of an output file, but is not one of this output. */
async function findForeignFiles(dir: string, { files }: OutputDigests, problems: VerifyProblems): Promise<void> {
  const names = new Set<string>(Object.values(RESULT_FILES));
  const listed = new Set(files.map(({ name }) => name));
  for (const name of await readdir(dir)) {
    if (names.has(name) && !listed.has(name)) {
      problems.add({ file: name, message: "the file is not part of the output of this run" });
    }
  }
}

function checkCounts(manifest: RunManifest, { rows }: OutputDigests, problems: VerifyProblems): void {
  const { total, succeeded, failed } = manifest.items;
  const hasRowPerItem = isBatch(manifest) || rows === total;
  if (succeeded + failed === total && hasRowPerItem) return;
  const message = `${total} items, ${succeeded} succeeded, ${failed} failed and ${rows} rows contradict each other`;
  problems.add({ file: MANIFEST_FILE, message });
}

interface HashContext {
  readonly dir: string;
  readonly digests: OutputDigests;
  readonly hasher: FileHasher;
  readonly problems: VerifyProblems;
}

/** Compares size and hash of a file; resolves with whether they are as recorded. */
async function compareHash(name: string, { dir, digests, hasher, problems }: HashContext): Promise<boolean> {
  const recorded = digests.files.find((file) => file.name === name);
  try {
    const { bytes, sha256 } = await hasher.finish(join(dir, name));
    if (bytes === recorded?.bytes && sha256 === recorded.sha256) return true;
    const message =
      bytes === recorded?.bytes
        ? `its SHA-256 is ${sha256} instead of ${recorded.sha256}`
        : `it has ${bytes} bytes instead of ${recorded?.bytes}`;
    problems.add({ file: name, message });
  } catch (error) {
    problems.add({ file: name, message: describeReadError(error) });
  }
  return false;
}

/** Compares the rows of a file with their digests. Calls `onRead` after each group of rows, in order. */
async function checkRows(
  file: RowFile,
  digests: RowDigests,
  problems: VerifyProblems,
  onRead: (found: FoundRows) => void,
): Promise<void> {
  const checker = await RowChecker.create(file, digests, problems);
  try {
    for await (const found of file.read()) {
      for (const row of found.rows) await checker.add(row);
      onRead(found);
    }
  } catch (error) {
    // The hash reports a missing file. After an error, the remaining rows are unknown rather than missing.
    if (errorCode(error) === "ENOENT") return;
    problems.add({ file: file.name, message: `its rows cannot be read: ${coerceError(error).message}` });
    return;
  }
  await checker.finish();
}

function describeReadError(error: unknown): string {
  const code = errorCode(error);
  return code === "ENOENT" ? "the file is missing" : `it cannot be read (${code ?? coerceError(error).message})`;
}
