import { join } from "node:path";
import { crc32 } from "node:zlib";
import { createVectorLayout, type LayoutKind, type VectorLayout } from "#src/producer/output/vector-layout.ts";
import { type Disk, type DiskFile, requireLittleEndian } from "#src/producer/storage/disk.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import { planWrites } from "./plan-writes.ts";

export const VECTOR_FILE = "vectors.f32";

/** A vector and the item that it belongs to. */
export interface IndexedVector {
  readonly index: number;
  /** Little-endian float32. */
  readonly vector: Buffer;
}

/** The vectors of a run: `dimensions * 4` bytes per item, at the positions of the layout. */
export class VectorFile {
  readonly file: DiskFile;
  readonly #items: number;
  readonly #kind: LayoutKind;
  #layout: VectorLayout;
  /** Floats per vector; 0 while unknown. */
  #dimensions: number;

  private constructor(file: DiskFile, items: number, kind: LayoutKind, dimensions: number) {
    this.file = file;
    this.#items = items;
    this.#kind = kind;
    this.#dimensions = dimensions;
    this.#layout = createVectorLayout({ items, dimensions, layout: kind });
  }

  /** Opens or creates the vector file of the run in `dir`. Rejects with the system error. */
  static async open(
    dir: string,
    disk: Disk,
    { items, kind, dimensions }: { readonly items: number; readonly kind: LayoutKind; readonly dimensions: number },
  ): Promise<VectorFile> {
    requireLittleEndian();
    const folder = join(dir, WORK_FOLDER);
    const file = await disk.open(join(folder, VECTOR_FILE));
    await disk.syncFolder(folder);
    return new VectorFile(file, items, kind, dimensions);
  }

  get dimensions(): number {
    return this.#dimensions;
  }

  /** Meaningless while `dimensions` is 0. */
  get layout(): VectorLayout {
    return this.#layout;
  }

  /** The dimensions, once the first vector has determined them. */
  setDimensions(dimensions: number): void {
    if (this.#dimensions === dimensions) return;
    this.#dimensions = dimensions;
    this.#layout = createVectorLayout({ items: this.#items, dimensions, layout: this.#kind });
  }

  /** The first item whose vector is not completely in the file; vectors lie in the order of their items. */
  async findEnd(): Promise<number> {
    const size = await this.file.size();
    const isInFile = (index: number) => this.#layout.position(index) + this.#dimensions * 4 <= size;
    let [low, high] = [0, this.#dimensions === 0 ? 0 : this.#items];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isInFile(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Resolves when the operating system has accepted the bytes, which are durable only after `sync`. */
  async write(vectors: readonly IndexedVector[]): Promise<void> {
    const placed = vectors.flatMap(({ index, vector }) => this.#layout.place(index, vector));
    await Promise.all(planWrites(placed).map(({ buffers, position }) => this.file.write(buffers, position)));
  }

  /** Reads the vectors of `count` items into the front of `into`. */
  async read(start: number, count: number, into: Uint8Array): Promise<void> {
    const size = this.#dimensions * 4;
    const end = start + count;
    for (let index = start; index < end; ) {
      const stop = Math.min(this.#layout.findContiguousEnd(index), end);
      await this.file.read(into.subarray((index - start) * size, (stop - start) * size), this.#layout.position(index));
      index = stop;
    }
  }

  sync(): Promise<void> {
    return this.file.sync();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

export function computeVectorChecksum(vector: Uint8Array): number {
  return crc32(vector);
}
