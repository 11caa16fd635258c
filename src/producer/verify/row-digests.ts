import { type FileHandle, open } from "node:fs/promises";
import { LruCache } from "#src/core/lru-cache.ts";
import {
  BLOCK_HEADER_BYTES,
  decodeBlock,
  decodeBlockHeader,
  FILE_HEADER_BYTES,
  ROWS_PER_BLOCK,
  type RowDigest,
} from "#src/producer/output/digests/row-digest.ts";

/** Blocks in memory; rows are mostly read in order. */
const CACHED_BLOCKS = 8;

interface BlockPlace {
  readonly position: number;
  readonly bytes: number;
}

/** Random access to the digests in a `digests.bin` whose hash is correct. */
export class RowDigests implements AsyncDisposable {
  /** Number of rows. */
  readonly rows: number;
  readonly #handle: FileHandle;
  readonly #places: readonly BlockPlace[];
  readonly #blocks = new LruCache<number, readonly RowDigest[]>(CACHED_BLOCKS);

  private constructor(handle: FileHandle, places: readonly BlockPlace[], rows: number) {
    this.#handle = handle;
    this.#places = places;
    this.rows = rows;
  }

  static async open(path: string): Promise<RowDigests> {
    const handle = await open(path, "r");
    const { size } = await handle.stat();
    const places: BlockPlace[] = [];
    let rows = 0;
    for (let position = FILE_HEADER_BYTES; position < size; ) {
      const header = decodeBlockHeader(await readBytes(handle, position, BLOCK_HEADER_BYTES));
      places.push({ position, bytes: header.blockBytes });
      rows += header.rows;
      position += header.blockBytes;
    }
    return new RowDigests(handle, places, rows);
  }

  /** The digest of a row if its block is in memory. */
  peek(row: number): RowDigest | undefined {
    return this.#blocks.get(Math.floor(row / ROWS_PER_BLOCK))?.[row % ROWS_PER_BLOCK];
  }

  /** The digest of a row; undefined outside of the output. */
  async read(row: number): Promise<RowDigest | undefined> {
    return this.peek(row) ?? (await this.#load(Math.floor(row / ROWS_PER_BLOCK)))[row % ROWS_PER_BLOCK];
  }

  /** All digests in order. */
  async *all(): AsyncGenerator<readonly [number, RowDigest]> {
    for (let row = 0; row < this.rows; row += 1) {
      const digest = await this.read(row);
      if (digest) yield [row, digest];
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #load(number: number): Promise<readonly RowDigest[]> {
    const place = this.#places[number];
    if (!place) return [];
    const block = decodeBlock(await readBytes(this.#handle, place.position, place.bytes));
    this.#blocks.set(number, block);
    return block;
  }
}

async function readBytes(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
  if (bytesRead < length) throw new RangeError("digests.bin ends in the middle of a block");
  return buffer;
}
