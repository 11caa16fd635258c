import { open } from "node:fs/promises";

const READ_BYTES = 1024 * 1024;
/** The offset of every 1,000th line is kept. */
const STRIDE = 1_000;
const NEWLINE = 10;

/** The lines of one read, starting with number `first`; `next` is the number of the next line to read. */
export interface LineGroup {
  readonly first: number;
  readonly lines: readonly string[];
  readonly next: number;
}

/**
 * A text file that no longer changes. Offsets of lines are kept as they are passed, so that a later read that starts in
 * the middle does not read the beginning again.
 */
export class LineFile {
  readonly path: string;
  /** Offsets of line 0, 1,000, 2,000, ... */
  readonly #offsets: number[] = [0];

  constructor(path: string) {
    this.path = path;
  }

  /**
   * The lines from number `from` on (the first is 0), one read at a time; groups are empty until line `from` is
   * reached. Stop iterating to stop reading.
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
