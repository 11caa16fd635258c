import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";
import { type FloatView, MAX_FLOAT_CHARS, writeFloats } from "./format-float.ts";

/** Bytes per write; one buffer is filled while the other is written. */
const BUFFER_BYTES = 1024 * 1024;

/** A text file that is written sequentially in constant memory; nothing is durable before `finish`. */
export class JsonlFile {
  readonly #file: DiskFile;
  #position = 0;
  #filling = Buffer.allocUnsafe(BUFFER_BYTES);
  #spare = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  /** CRC-32 of the bytes since the last `takeChecksum` that are no longer in the buffer, and where the others start. */
  #checksum = 0;
  #unchecked = 0;
  #writing: Promise<void> = Promise.resolve();

  readonly #hasChecksums: boolean;

  private constructor(file: DiskFile, hasChecksums: boolean) {
    this.#file = file;
    this.#hasChecksums = hasChecksums;
  }

  /** Creates the file, or truncates an existing one. `takeChecksum` requires `hasChecksums`. */
  static async create(disk: Disk, path: string, { hasChecksums = false } = {}): Promise<JsonlFile> {
    const file = await disk.open(path);
    await file.truncate(0);
    return new JsonlFile(file, hasChecksums);
  }

  /** Appends text; resolves when there is room for more. */
  async addText(text: string): Promise<void> {
    // UTF-8 needs at most three bytes per UTF-16 unit.
    if (this.#length + text.length * 3 > this.#filling.length) await this.#makeRoom(text.length * 3);
    this.#length += this.#filling.write(text, this.#length);
  }

  /** Appends float32 values `from` to `to` (exclusive), separated by commas. */
  async addFloats(values: FloatView, from: number, to: number): Promise<void> {
    const bytes = (to - from) * (MAX_FLOAT_CHARS + 1);
    if (this.#length + bytes > this.#filling.length) await this.#makeRoom(bytes);
    this.#length = writeFloats(this.#filling, this.#length, values, from, to);
  }

  /** Returns the CRC-32 of everything that was added since the last call. */
  takeChecksum(): number {
    const checksum = crc32(this.#filling.subarray(this.#unchecked, this.#length), this.#checksum);
    this.#checksum = 0;
    this.#unchecked = this.#length;
    return checksum;
  }

  /** Writes the buffered rest and makes the file durable. */
  async finish(): Promise<void> {
    await this.#makeRoom(0);
    await this.#writing;
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#file.close();
  }

  async #makeRoom(bytes: number): Promise<void> {
    await this.#writing;
    const full = this.#filling.subarray(0, this.#length);
    if (this.#hasChecksums) this.#checksum = crc32(full.subarray(this.#unchecked), this.#checksum);
    this.#unchecked = 0;
    this.#writing = this.#file.write([full], this.#position);
    // It may fail before it is awaited; the next write or `finish` reports the error.
    this.#writing.catch(() => {});
    this.#position += full.length;
    this.#length = 0;
    const free = this.#spare.length >= bytes ? this.#spare : Buffer.allocUnsafe(bytes);
    this.#spare = this.#filling;
    this.#filling = free;
  }
}
