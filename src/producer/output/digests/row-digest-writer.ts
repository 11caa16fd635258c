import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";
import { encodeBlock, encodeFileHeader, FILE_HEADER_BYTES, ROWS_PER_BLOCK, type RowDigest } from "./row-digest.ts";

/** Writes `digests.bin` beside the files of an output; nothing is durable before `finish`. */
export class RowDigestWriter {
  readonly #file: DiskFile;
  #position = FILE_HEADER_BYTES;
  #pending: RowDigest[] = [];
  #rows = 0;

  private constructor(file: DiskFile) {
    this.#file = file;
  }

  static async create(disk: Disk, path: string): Promise<RowDigestWriter> {
    const file = await disk.open(path);
    await file.truncate(0);
    await file.write([encodeFileHeader()], 0);
    return new RowDigestWriter(file);
  }

  /** Rows added so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds rows in the order of the output. */
  async add(rows: readonly RowDigest[]): Promise<void> {
    this.#rows += rows.length;
    this.#pending.push(...rows);
    while (this.#pending.length >= ROWS_PER_BLOCK) await this.#write(this.#pending.splice(0, ROWS_PER_BLOCK));
  }

  async finish(): Promise<void> {
    if (this.#pending.length > 0) await this.#write(this.#pending.splice(0));
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(rows: readonly RowDigest[]): Promise<void> {
    const bytes = encodeBlock(rows);
    await this.#file.write([bytes], this.#position);
    this.#position += bytes.length;
  }
}
