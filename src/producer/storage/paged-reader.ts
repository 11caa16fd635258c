import type { DiskFile } from "./disk.ts";

const PAGE_BYTES = 256 * 1024;
/** Answers are in the order of arrival, which is nearly item order, so few pages serve nearly all reads. */
const PAGES = 16;

/** Reads small parts of an append-only file with few system calls and some megabytes of memory. */
export class PagedReader {
  readonly #file: DiskFile;
  /** Pages by number, least recently used first. */
  readonly #pages = new Map<number, Buffer>();

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Reads the bytes at `position`; fewer than `length` only at the end of the file. */
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

  /** Reads a page again if it has fewer than `minBytes`, because the last page of the file grows. */
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
