import type { DiskFile } from "./disk.ts";

const PAGE_BYTES = 256 * 1024;
/** Answers lie in the order they came, which is nearly that of their items: few pages serve nearly all reads. */
const PAGES = 16;

/** Reads small pieces of a file that no longer changes, with few system calls and some megabytes of memory. */
export class PagedReader {
  readonly #file: DiskFile;
  /** By number, the longest unused first. */
  readonly #pages = new Map<number, Buffer>();

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** The bytes at `position`; fewer than `length` only where the file ends. */
  async read(position: number, length: number): Promise<Buffer> {
    const first = Math.floor(position / PAGE_BYTES);
    const last = Math.floor((position + length - 1) / PAGE_BYTES);
    if (last - first >= PAGES) return await this.#readAt(position, length);
    const parts: Buffer[] = [];
    for (let number = first; number <= last; number += 1) {
      const start = number * PAGE_BYTES;
      const page = await this.#page(number, Math.min(PAGE_BYTES, position + length - start));
      parts.push(page.subarray(Math.max(0, position - start), Math.max(0, position + length - start)));
    }
    return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
  }

  /** Read again when it ends before `wanted`: the file's last page grows while more is written behind it. */
  async #page(number: number, minBytes: number): Promise<Buffer> {
    const known = this.#pages.get(number);
    const isComplete = known !== undefined && known.length >= minBytes;
    const page = isComplete ? known : await this.#readAt(number * PAGE_BYTES, PAGE_BYTES);
    this.#pages.delete(number);
    this.#pages.set(number, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > PAGES && oldest !== undefined) this.#pages.delete(oldest);
    return page;
  }

  async #readAt(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    return bytes.subarray(0, await this.#file.read(bytes, position));
  }
}
