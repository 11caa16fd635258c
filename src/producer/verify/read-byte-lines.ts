import { open } from "node:fs/promises";
import { MAX_LINE_BYTES } from "#src/producer/input/formats/read-lines.ts";

const READ_BYTES = 512 * 1024;
const NEWLINE = 10;

/** Lines of a file without their ends, and all bytes read for them. Both are valid until the next group is requested. */
export interface ByteLines {
  readonly lines: readonly Buffer[];
  readonly bytes: Buffer;
  /** Position of the file behind `bytes`. */
  readonly end: number;
}

/** Yields all lines of a file in one buffer. Throws an Error for a line that is longer than a run writes. */
export async function* readByteLines(path: string): AsyncGenerator<ByteLines> {
  await using file = await open(path, "r");
  let buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let end = 0;
  /** Bytes of an incomplete line at the start of the buffer. */
  let rest = 0;
  for (;;) {
    if (rest + READ_BYTES > buffer.length) {
      if (rest > MAX_LINE_BYTES) throw new Error("a line is longer than a run writes");
      buffer = Buffer.concat([buffer.subarray(0, rest)], rest * 2 + READ_BYTES);
    }
    const { bytesRead } = await file.read(buffer, rest, READ_BYTES, end);
    end += bytesRead;
    const filled = rest + bytesRead;
    const lines: Buffer[] = [];
    let start = 0;
    for (let at = buffer.indexOf(NEWLINE, rest); at !== -1 && at < filled; at = buffer.indexOf(NEWLINE, start)) {
      lines.push(buffer.subarray(start, at));
      start = at + 1;
    }
    if (bytesRead === 0 && start < filled) lines.push(buffer.subarray(start, filled));
    yield { lines, bytes: buffer.subarray(rest, filled), end };
    if (bytesRead === 0) return;
    buffer.copyWithin(0, start, filled);
    rest = filled - start;
  }
}
