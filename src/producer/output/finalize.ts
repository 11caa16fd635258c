import { constants, copyFile, link } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#src/core/errors.ts";
import type { Item } from "#src/core/item.ts";
import type { Disk } from "#src/producer/storage/disk.ts";
import { type RecordStore, VECTOR_FILE } from "#src/producer/storage/record-store.ts";
import { createParquetWriter, createPlacedParquetWriter } from "./parquet/write-parquet.ts";
import { type OutputFiles, publishOutput } from "./publish-output.ts";
import { readRecordBlocks } from "./record-blocks.ts";
import { RESULT_FILES, type ResultFormat, type ResultWriter } from "./result-writer.ts";
import { isPaged, type VectorLayout } from "./vector-layout.ts";
import { createErrorsWriter, createJsonlWriter } from "./write-jsonl.ts";
import { createNpyCopyWriter, createNpyWriter } from "./write-npy.ts";

export interface FinalizeOptions {
  readonly format: ResultFormat;
  /** Whether records carry the item's text and metadata. */
  readonly withText: boolean;
  readonly run: string;
  /** The lane's model, as the user names it. */
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
}

/** Bytes of vectors per block: what is in memory twice. */
const BLOCK_BYTES = { parquet: 8 * 1024 * 1024, jsonl: 4 * 1024 * 1024 };

/**
 * Writes a complete run's output into `dir`, in input order, exactly one record per item. Files appear under their
 * names only when all of them are whole and durable, so it may be killed at any moment and done again; the work
 * folder must stay until it has resolved. Rejects with a RunError when a record is missing or the disk refuses, and
 * with the signal's reason when that aborts.
 */
export async function finalize(
  store: RecordStore,
  items: AsyncIterable<readonly Item[]>,
  dir: string,
  options: FinalizeOptions,
): Promise<FinalizedRun> {
  const { format, signal } = options;
  const placed = findReusableLayout(store, format);
  const names = format === "npy" ? [RESULT_FILES.npyItems, RESULT_FILES.npy] : [RESULT_FILES[format]];
  const writing: OutputFiles = {
    names,
    write: async (output) => {
      await writeFiles(store, items, output, options, placed);
      if (!placed) return;
      await linkOrCopy(store.disk, join(store.folder, VECTOR_FILE), join(output, names.at(-1) ?? ""));
    },
  };
  const files = await publishOutput(store, dir, writing, signal);
  const { ok, failed } = store.counts();
  return { files, items: store.items, ok, failed };
}

/**
 * The layout of a store whose file of vectors can itself become the output. A failed item has no place in a Parquet
 * page, so one failure means a copy.
 */
function findReusableLayout(store: RecordStore, format: ResultFormat): VectorLayout | undefined {
  const { layout, dimensions } = store;
  if (format === "npy") return layout.kind === "flat" ? layout : undefined;
  if (format !== "parquet" || dimensions === 0 || store.counts().failed > 0) return undefined;
  return isPaged(layout) ? layout : undefined;
}

async function writeFiles(
  store: RecordStore,
  items: AsyncIterable<readonly Item[]>,
  output: string,
  options: FinalizeOptions,
  placed: VectorLayout | undefined,
): Promise<void> {
  const writers: ResultWriter[] = [];
  try {
    writers.push(await createRecordsWriter(store, output, options, placed));
    writers.push(await createErrorsWriter(store.disk, join(output, RESULT_FILES.errors)));
    const size = blockSize(options.format, store.dimensions, placed);
    const { signal, onProgress } = options;
    // Vectors that stay where they are need not be read, unless a process that nobody knows the end of wrote them.
    const vectors = placed === undefined || (options.format === "parquet" && store.isResumed);
    const reading = { size, vectors, signal };
    for await (const block of readRecordBlocks(store, items, reading)) {
      for (const writer of writers) await writer.write(block);
      onProgress?.({ written: block.start + block.slots.length, items: store.items });
    }
    for (const writer of writers) await writer.finish();
  } finally {
    await Promise.all(writers.map((writer) => writer.close()));
  }
}

function createRecordsWriter(
  store: RecordStore,
  output: string,
  options: FinalizeOptions,
  placed: VectorLayout | undefined,
): Promise<ResultWriter> {
  const { disk, dimensions } = store;
  const { format, withText, run, model } = options;
  if (format === "npy") {
    const paths = { items: join(output, RESULT_FILES.npyItems), vectors: join(output, RESULT_FILES.npy) };
    return placed
      ? createNpyWriter(disk, paths.items, { store, withText })
      : createNpyCopyWriter(disk, paths, { store, withText });
  }
  const path = join(output, RESULT_FILES[format]);
  if (format === "jsonl") return createJsonlWriter(disk, path, { dimensions, withText });
  const keyValueMetadata = {
    "sluice.run": run,
    "sluice.model": model,
    "sluice.dimensions": String(dimensions),
  };
  const parquet = { dimensions, withText, keyValueMetadata };
  return placed && isPaged(placed)
    ? createPlacedParquetWriter(store.vectorFile, placed, parquet)
    : createParquetWriter(disk, path, parquet);
}

/** Items per block: 1,000 to 4,000 for Parquet, where a block is a row group. */
function blockSize(format: ResultFormat, dimensions: number, placed: VectorLayout | undefined): number {
  // Larger blocks live long enough to be taken for lasting, and pile up until a long collection.
  if (format === "npy") return 512;
  if (placed && isPaged(placed)) return Math.max(1, Math.floor(1_500 / placed.rowsPerPage)) * placed.rowsPerPage;
  const [least, most] = format === "parquet" ? [1_000, 4_000] : [16, 1_024];
  const fitting = Math.floor(BLOCK_BYTES[format] / Math.max(dimensions * 4, 1));
  return Math.min(most, Math.max(least, fitting));
}

/** What file systems without hard links answer. */
const NO_HARD_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * A second name for the vectors costs nothing and leaves the store whole if this run is killed before it has ended;
 * file systems without hard links get a copy (which some of them share block by block).
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
