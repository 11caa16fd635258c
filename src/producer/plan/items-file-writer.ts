import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Duplicates, getDuplicatesPath } from "./duplicates.ts";
import { getItemsIndexPath, INDEX_STRIDE, type ItemsFileIndex } from "./items-file-index.ts";
import type { PlannedItem } from "./planned-item.ts";

export const ITEMS_FILE = "items.jsonl";
/** Bytes collected before they are written. */
const WRITE_BYTES = 256 * 1024;
/** While planning, the start of every so manieth item is known, so that any item is read back with few others. */
const WRITER_STRIDE = 8;

/**
 * Writes the spool of a plan. Until `commit`, everything is under names that no reader looks at; a process that dies
 * leaves at most those, and the next planning overwrites them.
 */
export class ItemsFileWriter {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #folder: string;
  #lines: string[] = [];
  #waitingBytes = 0;
  #writtenBytes = 0;
  #items = 0;
  #offsets = new Float64Array(1024);

  private constructor(folder: string, temporary: string, handle: FileHandle) {
    this.path = join(folder, ITEMS_FILE);
    this.#folder = folder;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /** Starts a spool in an existing folder. */
  static async create(folder: string): Promise<ItemsFileWriter> {
    const temporary = join(folder, `${ITEMS_FILE}.partial`);
    return new ItemsFileWriter(folder, temporary, await open(temporary, "w+"));
  }

  get items(): number {
    return this.#items;
  }

  /** Takes the next item as its JSON; true when `flush` is due. */
  append(json: string): boolean {
    if (this.#items % WRITER_STRIDE === 0) this.#addOffset(this.#writtenBytes + this.#waitingBytes);
    this.#lines.push(json);
    this.#waitingBytes += Buffer.byteLength(json) + 1;
    this.#items += 1;
    return this.#waitingBytes >= WRITE_BYTES;
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    this.#lines.push("");
    const bytes = Buffer.from(this.#lines.join("\n"));
    this.#lines = [];
    this.#waitingBytes = 0;
    await this.#handle.appendFile(bytes);
    this.#writtenBytes += bytes.length;
  }

  /** Reads back an item that was appended. */
  async read(item: number): Promise<PlannedItem> {
    const waiting = this.#lines[item - (this.#items - this.#lines.length)];
    if (waiting !== undefined) return JSON.parse(waiting) as PlannedItem;
    const near = Math.floor(item / WRITER_STRIDE);
    const start = this.#offsets[near] ?? 0;
    const last = (near + 1) * WRITER_STRIDE >= this.#items;
    const next = last ? this.#writtenBytes : (this.#offsets[near + 1] ?? this.#writtenBytes);
    const end = Math.min(next, this.#writtenBytes);
    const { buffer } = await this.#handle.read(Buffer.alloc(end - start), 0, end - start, start);
    const line = buffer.toString("utf8").split("\n")[item % WRITER_STRIDE] ?? "";
    return JSON.parse(line) as PlannedItem;
  }

  /**
   * Makes the spool appear, whole, with its index and the list of its copies. The index of a former spool goes first
   * and the new one comes last, so that no reader ever finds an index beside a spool it does not belong to; the list
   * says itself which spool it is of.
   */
  async commit(duplicates: Duplicates): Promise<{ readonly bytes: number }> {
    await this.flush();
    await this.#handle.sync();
    await this.#handle.close();
    const list = duplicates.encode({ items: this.#items, itemsFileBytes: this.#writtenBytes });
    await writeSynced(getDuplicatesPath(this.path), list);
    const indexPath = getItemsIndexPath(this.path);
    const temporaryIndex = `${indexPath}.partial`;
    await writeSynced(temporaryIndex, JSON.stringify(this.#index()));
    await rm(indexPath, { force: true });
    await rename(this.#temporary, this.path);
    await rename(temporaryIndex, indexPath);
    await syncFolder(this.#folder);
    return { bytes: this.#writtenBytes };
  }

  /** Leaves no trace of this planning; a spool that was there before stays. */
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

/** A rename is only on disk when its folder is; Windows cannot open folders and does not need this. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await using handle = await open(folder, "r");
  await handle.sync();
}
