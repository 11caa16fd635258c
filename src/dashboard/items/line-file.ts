import { open } from "node:fs/promises";

const READ_BYTES = 1024 * 1024;
/** Every so manieth line's beginning is remembered. */
const STRIDE = 1_000;
const NEWLINE = 10;

/** Lines of one read, from number `first` on; `next` is the line that the reading has come to. */
export interface LineGroup {
  readonly first: number;
  readonly lines: readonly string[];
  readonly next: number;
}

/**
 * A file of lines that does not change any more. Where lines begin is remembered as they are passed, so that whoever
 * goes on in the middle, or comes back, does not read what is before it again.
 */
export class LineFile {
  readonly path: string;
  /** Beginning of line 0, 1,000, 2,000, ... */
  readonly #offsets: number[] = [0];

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Lines from number `from` on (the first is 0), a read at a time; groups without lines while the place is still
   * looked for. Stop iterating to stop reading.
   */
  async *read(from: number): AsyncGenerator<LineGroup> {
    const known = Math.min(Math.floor(from / STRIDE), this.#offsets.length - 1);
    let number = known * STRIDE;
    let position = this.#offsets[known] ?? 0;
    await using file = await open(this.path, "r");
    let rest: Buffer = Buffer.alloc(0);
    while (true) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
      const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const start = position - rest.length;
      position += bytesRead;
      const lines: string[] = [];
      const first = Math.max(from, number);
      let at = 0;
      for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
        if (number >= from) lines.push(bytes.toString("utf8", at, end));
        at = end + 1;
        number += 1;
        if (number % STRIDE === 0) this.#offsets[number / STRIDE] = start + at;
      }
      rest = bytes.subarray(at);
      if (bytesRead === 0 && rest.length > 0) {
        if (number >= from) lines.push(rest.toString("utf8"));
        number += 1;
      }
      yield { first, lines, next: number };
      if (bytesRead === 0) return;
    }
  }
}
