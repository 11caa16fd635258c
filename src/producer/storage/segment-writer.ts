import { ByteWriter } from "hyparquet-writer";
import type { DiskFile } from "./disk.ts";

/** Larger pieces are kept where they are instead of being copied into the buffer. */
const COPY_LIMIT_BYTES = 64 * 1024;

/**
 * A Parquet writer's output that is written to a file when asked, in constant memory and off the event loop. Large
 * byte arrays (pages of vectors) are never copied, so they must stay untouched until `drain` has resolved.
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

  /** Goes on at a position further on; what lies between is somebody else's. Only after `drain`. */
  skipTo(position: number): void {
    this.offset = position;
    this.#drained = position;
  }

  /** Writes everything appended so far. */
  async drain(): Promise<void> {
    this.#seal();
    const segments = this.#segments;
    this.#segments = [];
    await this.#file.write(segments, this.#drained);
    this.#drained = this.offset;
  }

  #seal(): void {
    if (this.index === 0) return;
    this.#segments.push(new Uint8Array(this.buffer.slice(0, this.index)));
    this.index = 0;
  }
}
