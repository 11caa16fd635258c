import { open } from "node:fs/promises";
import { RunError } from "#src/core/failures/errors.ts";
import { decodeNpyHeader, NPY_HEADER_BYTES } from "#src/producer/output/npy-header.ts";
import { pickLines, readResultLines } from "./read-result-lines.ts";
import type { BlocksOptions, Result, ResultBlock, ResultItem } from "./result.ts";

const BLOCK_BYTES = 8 * 1024 * 1024;

interface NpyFiles {
  readonly vectorPath: string;
  readonly itemPath: string;
}

interface Shape {
  readonly items: number;
  readonly dimensions: number;
}

/** Opens `vectors.npy` and the `items.jsonl` in the same folder. */
export async function openNpyResult(files: NpyFiles): Promise<Result> {
  const shape = await readShape(files.vectorPath);
  return {
    format: "npy",
    dimensions: shape.dimensions,
    blocks: (options = {}) => readBlocks(files, shape, options),
    pick: (indices) => pickLines(files.itemPath, indices),
  };
}

async function readShape(path: string): Promise<Shape> {
  await using file = await open(path, "r");
  const header = Buffer.alloc(NPY_HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, header.length, 0);
  const shape = decodeNpyHeader(header.subarray(0, bytesRead));
  const { size } = await file.stat();
  if (shape === undefined || size !== NPY_HEADER_BYTES + shape.items * shape.dimensions * 4) {
    throw new RunError(`${path} is not a complete NumPy file that a run wrote`);
  }
  return shape;
}

async function* readBlocks(files: NpyFiles, shape: Shape, options: BlocksOptions): AsyncGenerator<ResultBlock> {
  const { items: total, dimensions } = shape;
  const slotSize = dimensions * 4;
  const size = Math.min(total, Math.max(1, Math.floor(BLOCK_BYTES / Math.max(slotSize, 1))));
  const floats = new Float32Array(size * dimensions);
  const lines = options.vectorsOnly === true ? undefined : new LineReader(files.itemPath, options.signal);
  await using file = await open(files.vectorPath, "r");
  for (let start = 0; start < total; start += size) {
    options.signal?.throwIfAborted();
    const count = Math.min(size, total - start);
    const bytes = new Uint8Array(floats.buffer, 0, count * slotSize);
    await readFully(file, bytes, NPY_HEADER_BYTES + start * slotSize);
    const items = (await lines?.take(count)) ?? [];
    yield { start, count, vectors: floats.subarray(0, count * dimensions), items };
  }
  await lines?.close();
}

async function readFully(file: Awaited<ReturnType<typeof open>>, into: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < into.length; ) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) throw new RunError("the vector file was truncated while it was being read");
    filled += bytesRead;
  }
}

/** Returns the lines of `items.jsonl` in groups that match the blocks of vectors. */
class LineReader {
  readonly #groups: AsyncGenerator<readonly ResultItem[]>;
  #rest: readonly ResultItem[] = [];

  constructor(path: string, signal: AbortSignal | undefined) {
    this.#groups = readResultLines(path, signal);
  }

  async take(count: number): Promise<ResultItem[]> {
    const taken: ResultItem[] = [];
    while (taken.length < count) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#groups.next();
        if (done === true) throw new RunError("items.jsonl has fewer items than vectors.npy");
        this.#rest = value;
      }
      const part = this.#rest.slice(0, count - taken.length);
      this.#rest = this.#rest.slice(part.length);
      taken.push(...part);
    }
    return taken;
  }

  async close(): Promise<void> {
    await this.#groups.return(undefined);
  }
}
