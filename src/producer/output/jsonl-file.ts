import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";
import { type FloatView, MAX_FLOAT_CHARS, writeFloats } from "./format-float.ts";

/** Bytes collected before a write; one buffer fills while the other is being written. */
const BUFFER_BYTES = 1024 * 1024;

/** A text file written from its beginning in constant memory; nothing in it is durable before `finish`. */
export class JsonlFile {
  readonly #file: DiskFile;
  #position = 0;
  #filling = Buffer.allocUnsafe(BUFFER_BYTES);
  #spare = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Starts the file anew, whatever an earlier try left in it. */
  static async create(disk: Disk, path: string): Promise<JsonlFile> {
    const file = await disk.open(path);
    await file.truncate(0);
    return new JsonlFile(file);
  }

  /** Appends text; resolves when there is room for more. */
  async addText(text: string): Promise<void> {
    // Three bytes are the most that UTF-8 takes for one UTF-16 unit.
    if (this.#length + text.length * 3 > this.#filling.length) await this.#makeRoom(text.length * 3);
    this.#length += this.#filling.write(text, this.#length);
  }

  /** Appends float32 values `from` to `to` (exclusive), separated by commas. */
  async addFloats(values: FloatView, from: number, to: number): Promise<void> {
    const bytes = (to - from) * (MAX_FLOAT_CHARS + 1);
    if (this.#length + bytes > this.#filling.length) await this.#makeRoom(bytes);
    this.#length = writeFloats(this.#filling, this.#length, values, from, to);
  }

  /** Writes what is left and makes the file durable. */
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
    this.#writing = this.#file.write([full], this.#position);
    // It may fail before anybody awaits it; the next write or `finish` reports it.
    this.#writing.catch(() => {});
    this.#position += full.length;
    this.#length = 0;
    const free = this.#spare.length >= bytes ? this.#spare : Buffer.allocUnsafe(bytes);
    this.#spare = this.#filling;
    this.#filling = free;
  }
}
