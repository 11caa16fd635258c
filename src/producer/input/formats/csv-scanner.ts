import { CsvError, type Parser, parse } from "csv-parse";
import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { UnreadableSourceError } from "#src/producer/input/source.ts";

/** One record of a CSV file, or the reason why it is invalid. `line` is where it starts, from 1. */
export type CsvRecord =
  | { readonly line: number; readonly start: number; readonly end: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly start: number; readonly end: number; readonly error: string };

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** Bytes passed to the parser at once; at most this many are parsed again after an invalid quote. */
const PIECE_BYTES = 4 * 1024;
const NEWLINE = 10;
const RETURN = 13;

/**
 * A CSV parser that knows the line and the bytes of every record and continues after an invalid one: when a quote is
 * invalid, only the physical line on which the record starts is rejected, and parsing restarts on the next line.
 * Without this, one stray quote would swallow the records after it. Buffers at most one record and one piece.
 */
export class CsvScanner {
  readonly #delimiter: string;
  readonly #maxRecordBytes: number;
  #parser: Parser;
  /** Bytes from `#consumed` on that the parser has received but that do not belong to a finished record yet. */
  #pending: Buffer[] = [];
  /** Absolute offset after the last finished record, and its line. */
  #consumed = 0;
  #line = 1;
  /** Absolute offset of the current parser's first byte. */
  #base = 0;
  /** Whether the last consumed byte was a carriage return; the next byte decides whether it ended a line. */
  #isAfterReturn = false;
  #records: CsvRecord[] = [];
  #columns: number | undefined;

  constructor(delimiter: string, maxRecordBytes: number = MAX_RECORD_BYTES) {
    this.#delimiter = delimiter;
    this.#maxRecordBytes = maxRecordBytes;
    this.#parser = this.#createParser();
  }

  /** Returns the records that these bytes complete, in order. */
  push(chunk: Buffer): CsvRecord[] {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      this.#feed(chunk.subarray(start, start + PIECE_BYTES));
    }
    return this.#records.splice(0);
  }

  /** Returns the records that the end of the file completes; the scanner cannot be used afterwards. */
  async end(): Promise<CsvRecord[]> {
    do {
      this.#recover(true);
      await endParser(this.#parser);
    } while (this.#parser.errored !== null);
    return this.#records.splice(0);
  }

  #feed(piece: Buffer): void {
    this.#pending.push(piece);
    if (this.#parser.errored === null) this.#parser.write(piece);
    this.#recover(false);
  }

  #createParser(): Parser {
    const parser = parse({
      bom: true,
      delimiter: this.#delimiter,
      // A quote inside an unquoted cell is common in tab-separated files, which have no quoting.
      relax_quotes: this.#delimiter === "\t",
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: this.#maxRecordBytes,
      // Nothing is pushed to the readable side, so write() parses synchronously and is never blocked by backpressure.
      on_record: (cells: string[], { bytes }) => {
        this.#finish(this.#base + bytes, cells);
        return null;
      },
    });
    // `errored` is set before write() returns and is checked there; an unhandled error event would end the process.
    parser.on("error", () => {});
    return parser;
  }

  #finish(end: number, cells: readonly string[]): void {
    const { line, start } = this.#consume(end);
    this.#columns ??= cells.length;
    const location = { line, start, end };
    if (cells.length === this.#columns) this.#records.push({ ...location, cells });
    else this.#records.push({ ...location, error: INPUT_PROBLEMS.cellCount(cells.length, this.#columns) });
  }

  /** Rejects the line on which an invalid record starts and parses the pending bytes after it again. */
  #recover(isEnd: boolean): void {
    while (this.#parser.errored !== null) {
      const error = describeCsvError(this.#parser.errored);
      const bytes = Buffer.concat(this.#pending);
      this.#pending = [bytes];
      const newline = bytes.indexOf(NEWLINE, findContentStart(bytes));
      if (newline === -1 && !isEnd) {
        if (bytes.length <= 2 * this.#maxRecordBytes) return;
        throw new UnreadableSourceError(INPUT_PROBLEMS.csvEndlessLine(error), this.#line);
      }
      const end = this.#consumed + (newline === -1 ? bytes.length : newline + 1);
      const { line, start } = this.#consume(end);
      this.#records.push({ line, start, end, error });
      this.#base = this.#consumed;
      this.#parser = this.#createParser();
      for (const rest of this.#pending) this.#parser.write(rest);
    }
  }

  /** Moves past the record that ends at `end`; returns where it started, without the blank lines before it. */
  #consume(end: number): { line: number; start: number } {
    let left = end - this.#consumed;
    let line = this.#line;
    let start = this.#consumed;
    let isBlank = true;
    while (left > 0) {
      const bytes = this.#pending[0];
      if (bytes === undefined) break;
      const length = Math.min(left, bytes.length);
      for (let at = 0; at < length; at++) {
        const byte = bytes[at];
        if (this.#isAfterReturn && byte !== NEWLINE) this.#line += 1;
        if (isBlank && byte !== NEWLINE && byte !== RETURN) {
          isBlank = false;
          line = this.#line;
          start = this.#consumed + at;
        }
        if (byte === NEWLINE) this.#line += 1;
        this.#isAfterReturn = byte === RETURN;
      }
      left -= length;
      this.#consumed += length;
      if (length === bytes.length) this.#pending.shift();
      else this.#pending[0] = bytes.subarray(length);
    }
    return { line, start };
  }
}

function findContentStart(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === NEWLINE || bytes[at] === RETURN) at += 1;
  return at;
}

async function endParser(parser: Parser): Promise<void> {
  await new Promise<void>((resolve) => {
    parser.once("error", () => resolve());
    parser.once("end", () => resolve());
    parser.resume();
    parser.end();
  });
}

/** Takes only the code from the parser's error, whose message quotes cells. */
function describeCsvError(error: unknown): string {
  const code = error instanceof CsvError ? error.code : undefined;
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return INPUT_PROBLEMS.quoteNotClosed;
    case "CSV_INVALID_CLOSING_QUOTE":
      return INPUT_PROBLEMS.quoteInQuotedCell;
    case "INVALID_OPENING_QUOTE":
      return INPUT_PROBLEMS.quoteInPlainCell;
    case "CSV_MAX_RECORD_SIZE":
      return INPUT_PROBLEMS.csvTooLong;
    default:
      return INPUT_PROBLEMS.csvError(code);
  }
}
