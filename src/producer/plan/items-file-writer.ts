import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Duplicates, getDuplicatesPath } from "./duplicates.ts";
import { getItemsIndexPath, INDEX_STRIDE, type ItemsFileIndex } from "./items-file-index.ts";
import { type PlannedItem, parsePlannedItem } from "./planned-item.ts";

export const ITEMS_FILE = "items.jsonl";
/** Bytes collected before they are written. */
const WRITE_BYTES = 256 * 1024;
/** While planning, the offset of every eighth item is known, so that reading an item back reads few others. */
const WRITER_STRIDE = 8;

/**
 * Writes the items file of a plan. Until `commit`, all files have temporary names that no reader opens; a killed
 * process leaves at most these files, and the next plan overwrites them.
 */
export class ItemsFileWriter {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #folder: string;
  #lines: string[] = [];
  #bufferedBytes = 0;
  #writtenBytes = 0;
  #items = 0;
  #offsets = new Float64Array(1024);

  private constructor(folder: string, temporary: string, handle: FileHandle) {
    this.path = join(folder, ITEMS_FILE);
    this.#folder = folder;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /** Creates an items file in an existing folder. */
  static async create(folder: string): Promise<ItemsFileWriter> {
    const temporary = join(folder, `${ITEMS_FILE}.partial`);
    return new ItemsFileWriter(folder, temporary, await open(temporary, "w+"));
  }

  get items(): number {
    return this.#items;
  }

  /** Appends the JSON of the next item; returns true when `flush` is due. */
  append(json: string): boolean {
    if (this.#items % WRITER_STRIDE === 0) this.#addOffset(this.#writtenBytes + this.#bufferedBytes);
    this.#lines.push(json);
    this.#bufferedBytes += Buffer.byteLength(json) + 1;
    this.#items += 1;
    return this.#bufferedBytes >= WRITE_BYTES;
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    this.#lines.push("");
    const bytes = Buffer.from(this.#lines.join("\n"));
    this.#lines = [];
    this.#bufferedBytes = 0;
    await this.#handle.appendFile(bytes);
    this.#writtenBytes += bytes.length;
  }

  /** Reads back an item that was appended. */
  async read(item: number): Promise<PlannedItem> {
    const buffered = this.#lines[item - (this.#items - this.#lines.length)];
    if (buffered !== undefined) return parsePlannedItem(buffered);
    const stride = Math.floor(item / WRITER_STRIDE);
    const start = this.#offsets[stride] ?? 0;
    const isLast = (stride + 1) * WRITER_STRIDE >= this.#items;
    const next = isLast ? this.#writtenBytes : (this.#offsets[stride + 1] ?? this.#writtenBytes);
    const end = Math.min(next, this.#writtenBytes);
    const { buffer } = await this.#handle.read(Buffer.alloc(end - start), 0, end - start, start);
    const line = buffer.toString("utf8").split("\n")[item % WRITER_STRIDE] ?? "";
    return parsePlannedItem(line);
  }

  /**
   * Publishes the complete items file with its index and duplicates file. The index of an earlier items file is
   * removed first and the new one is published last, so that no reader finds an index that belongs to another items
   * file; the duplicates file identifies its items file.
   */
  async commit(duplicates: Duplicates): Promise<{ readonly bytes: number }> {
    await this.flush();
    await this.#handle.sync();
    await this.#handle.close();
    const identity = { items: this.#items, itemsFileBytes: this.#writtenBytes };
    await writeSynced(getDuplicatesPath(this.path), duplicates.encode(identity));
    const indexPath = getItemsIndexPath(this.path);
    const temporaryIndex = `${indexPath}.partial`;
    await writeSynced(temporaryIndex, JSON.stringify(this.#index()));
    await rm(indexPath, { force: true });
    await rename(this.#temporary, this.path);
    await rename(temporaryIndex, indexPath);
    await syncFolder(this.#folder);
    return { bytes: this.#writtenBytes };
  }

  /** Removes the temporary file; an earlier items file stays. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.#temporary, { force: true });
  }

  #index(): ItemsFileIndex {
    const offsets: number[] = [];
    for (let item = 0; item < this.#items; item += INDEX_STRIDE) {
      offsets.push(this.#offsets[item / WRITER_STRIDE] ?? 0);
    }
    return { version: 1, items: this.#items, bytes: this.#writtenBytes, offsets };
  }

  #addOffset(offset: number): void {
    const at = this.#items / WRITER_STRIDE;
    if (at === this.#offsets.length) {
      const grown = new Float64Array(this.#offsets.length * 2);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[at] = offset;
  }
}

async function writeSynced(path: string, text: string | Buffer): Promise<void> {
  await using handle = await open(path, "w");
  await handle.writeFile(text);
  await handle.sync();
}

/** A rename is durable only after its folder is synced. Windows cannot open folders and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
