import { ByteWriter } from "hyparquet-writer";
import type { DiskFile } from "#src/producer/storage/disk.ts";

/** Larger byte arrays are kept by reference instead of being copied into the buffer. */
const COPY_LIMIT_BYTES = 64 * 1024;

/**
 * Output of a Parquet writer that goes to a file on request, in constant memory and asynchronously. Large byte arrays
 * (pages of vectors) are never copied, so they must stay untouched until `drain` has resolved.
 */
export class SegmentWriter extends ByteWriter {
  readonly #file: DiskFile;
  #segments: Uint8Array[] = [];
  #drained = 0;

  constructor(file: DiskFile) {
    super(COPY_LIMIT_BYTES);
    this.#file = file;
  }

  override appendBytes(value: Uint8Array): void {
    if (value.length < COPY_LIMIT_BYTES) {
      super.appendBytes(value);
      return;
    }
    this.#seal();
    this.#segments.push(value);
    this.offset += value.length;
  }

  /** Continues at a later position and leaves the bytes in between as they are. Only valid after `drain`. */
  skipTo(position: number): void {
    this.offset = position;
    this.#drained = position;
  }

  /** Writes everything appended so far. */
  async drain(): Promise<void> {
    const start = this.#drained;
    this.#drained = this.offset;
    await this.#file.write(this.#takeSegments(), start);
  }

  /** Replaces everything appended since the last `drain`; `replace` gets these bytes and the file offset of the first. */
  replacePending(replace: (bytes: Uint8Array, offset: number) => Uint8Array): void {
    const bytes = Buffer.concat(this.#takeSegments());
    this.offset = this.#drained;
    this.appendBytes(replace(bytes, this.offset));
  }

  #takeSegments(): Uint8Array[] {
    this.#seal();
    const segments = this.#segments;
    this.#segments = [];
    return segments;
  }

  #seal(): void {
    if (this.index === 0) return;
    this.#segments.push(new Uint8Array(this.buffer.slice(0, this.index)));
    this.index = 0;
  }
}
