import { constants, copyFile, link } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import type { RunStore } from "#src/producer/storage/run-store.ts";
import { VECTOR_FILE, type VectorFile } from "#src/producer/storage/vectors/vector-file.ts";
import { digestBlock } from "./digest-block.ts";
import type { OutputDigests, OutputRecorder } from "./digests/output-recorder.ts";
import { createInPlaceParquetWriter, createParquetWriter } from "./parquet/write-parquet.ts";
import { type OutputFiles, publishOutput } from "./publish-output.ts";
import { readRecordBlocks } from "./record-blocks.ts";
import { RESULT_FILES, type ResultFormat, type ResultWriter } from "./result-writer.ts";
import { isPaged, type VectorLayout } from "./vector-layout.ts";
import { createErrorsWriter, createJsonlWriter } from "./write-jsonl.ts";
import { createNpyCopyWriter, createNpyWriter } from "./write-npy.ts";

export interface FinalizeOptions {
  readonly format: ResultFormat;
  /** Whether records contain the text and metadata of the item. */
  readonly withText: boolean;
  readonly run: string;
  /** "provider/model", as the user wrote it. */
  readonly model: string;
  readonly onProgress?: (progress: { readonly written: number; readonly items: number }) => void;
  readonly signal?: AbortSignal;
}

export interface FinalizedRun {
  /** Names in the output folder. */
  readonly files: readonly string[];
  readonly items: number;
  readonly ok: number;
  readonly failed: number;
  readonly digests: OutputDigests;
}

/** Bytes of vectors per block; two blocks are in memory. */
const BLOCK_BYTES = { parquet: 8 * 1024 * 1024, jsonl: 4 * 1024 * 1024 };

/**
 * Writes the output of a run to `dir`: exactly one record per item, in input order. The run must be complete, except for
 * JSONL, which is written while records arrive. Files get their names only when all of them are complete and durable, so
 * this may be killed at any time and repeated; the work folder must stay until it has resolved. Rejects with a RunError
 * when a record is missing or a disk operation fails, and with the signal's reason on abort.
 */
export async function finalize(store: RunStore, dir: string, options: FinalizeOptions): Promise<FinalizedRun> {
  const { format, signal } = options;
  const reusable = findReusableLayout(store, format);
  const names = format === "npy" ? [RESULT_FILES.npyItems, RESULT_FILES.npy] : [RESULT_FILES[format]];
  const outputFiles: OutputFiles = {
    names,
    write: async (output, recorder) => {
      await writeFiles(store, { output, recorder }, options, reusable);
      if (!reusable) return;
      await linkOrCopy(store.disk, join(store.folder, VECTOR_FILE), join(output, names.at(-1) ?? ""));
    },
  };
  const published = await publishOutput(store, dir, outputFiles, signal);
  const { ok, failed } = store.counts();
  return { ...published, items: store.items, ok, failed };
}

/**
 * Returns the layout of a store whose vector file can become the output. A failed item has no vector in a Parquet page,
 * so the vectors must be copied if there is a failure.
 */
function findReusableLayout(store: RunStore, format: ResultFormat): VectorLayout | undefined {
  const { dimensions } = store;
  const { layout } = requireVectors(store);
  if (format === "npy") return layout.kind === "flat" ? layout : undefined;
  if (format !== "parquet" || dimensions === 0 || store.counts().failed > 0) return undefined;
  return isPaged(layout) ? layout : undefined;
}

async function writeFiles(
  store: RunStore,
  { output, recorder }: OutputTarget,
  options: FinalizeOptions,
  reusable: VectorLayout | undefined,
): Promise<void> {
  const writers: ResultWriter[] = [];
  const vectorPath = join(store.folder, VECTOR_FILE);
  try {
    writers.push(await createRecordsWriter(store, { output, recorder }, options, reusable));
    writers.push(await createErrorsWriter(recorder.disk, join(output, RESULT_FILES.errors)));
    const size = computeBlockSize(options.format, store.dimensions, reusable);
    const { signal, onProgress } = options;
    // Vectors that stay in place are read only to verify those of an earlier process, which may have been killed.
    const vectors = reusable === undefined || (options.format === "parquet" && store.isResumed);
    const readOptions = { size, vectors, signal };
    for await (const block of readRecordBlocks(store, readOptions)) {
      for (const writer of writers) await writer.write(block);
      await recorder.rows.add(digestBlock(block, options.withText));
      const written = block.start + block.rows.length;
      if (reusable) recorder.advance(RESULT_FILES[options.format], vectorPath, reusable.position(written));
      onProgress?.({ written, items: store.items });
    }
    for (const writer of writers) await writer.finish();
  } finally {
    await Promise.all(writers.map((writer) => writer.close()));
  }
}

interface OutputTarget {
  readonly output: string;
  readonly recorder: OutputRecorder;
}

function createRecordsWriter(
  store: RunStore,
  { output, recorder: { disk } }: OutputTarget,
  options: FinalizeOptions,
  reusable: VectorLayout | undefined,
): Promise<ResultWriter> {
  const { dimensions } = store;
  const { format, withText, run, model } = options;
  if (format === "npy") {
    const paths = { items: join(output, RESULT_FILES.npyItems), vectors: join(output, RESULT_FILES.npy) };
    return reusable
      ? createNpyWriter(disk, paths.items, { items: store.items, vectors: requireVectors(store), withText })
      : createNpyCopyWriter(disk, paths, { store, withText });
  }
  const path = join(output, RESULT_FILES[format]);
  if (format === "jsonl") return createJsonlWriter(disk, path, withText);
  const keyValueMetadata = {
    "sluice.run": run,
    "sluice.model": model,
    "sluice.dimensions": String(dimensions),
  };
  const parquet = { dimensions, withText, keyValueMetadata };
  return reusable && isPaged(reusable)
    ? createInPlaceParquetWriter(requireVectors(store).file, reusable, parquet)
    : createParquetWriter(disk, path, parquet);
}

/** Throws an error for a run whose results are not vectors. */
export function requireVectors({ vectors, dir }: RunStore): VectorFile {
  if (vectors) return vectors;
  throw new Error(`the run in ${dir} has no vectors`);
}

/** Items per block: 1,000 to 4,000 for Parquet, where a block is a row group. */
function computeBlockSize(format: ResultFormat, dimensions: number, reusable: VectorLayout | undefined): number {
  // Larger blocks get promoted to the old generation and pile up until a major GC.
  if (format === "npy") return 512;
  if (reusable && isPaged(reusable))
    return Math.max(1, Math.floor(1_500 / reusable.rowsPerPage)) * reusable.rowsPerPage;
  const [least, most] = format === "parquet" ? [1_000, 4_000] : [16, 1_024];
  const fitting = Math.floor(BLOCK_BYTES[format] / Math.max(dimensions * 4, 1));
  return Math.min(most, Math.max(least, fitting));
}

/** Error codes of file systems without hard links. */
const NO_HARD_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Creates a hard link, which costs nothing and leaves the store intact if this process is killed. On file systems
 * without hard links it creates a copy (some of them share its blocks).
 */
async function linkOrCopy(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    return;
  } catch (error) {
    if (!NO_HARD_LINKS.has(errorCode(error) ?? "")) throw error;
  }
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  const copy = await disk.open(to);
  try {
    await copy.sync();
  } finally {
    await copy.close();
  }
}
