import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { findMissingMetadata, parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type CsvOptions, type Finding, formatLocation, UnreadableSourceError } from "#src/producer/input/source.ts";
import { type CsvRecord, CsvScanner } from "./csv-scanner.ts";
import { Utf8Validator } from "./utf8-validator.ts";

/**
 * Reads CSV or TSV whose first record names the fields. Cells may be quoted and contain line breaks; the line of a
 * record is the line on which it starts. In TSV, and with a tab as delimiter, a quote that is not closed before a
 * delimiter or a line end is text, because most programs write TSV without quoting. Throws `UnreadableSourceError` for
 * an invalid header.
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  kind: "csv" | "tsv",
  options: CsvOptions,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  const delimiter = options.delimiter ?? (kind === "tsv" ? "\t" : ",");
  const quote = options.quote ?? '"';
  const dialect = { delimiter, quote: quote === "none" ? undefined : quote, isLenient: delimiter === "\t" };
  const scanner = new CsvScanner(dialect);
  const utf8 = new Utf8Validator();
  const reader = new CsvReader(context);
  for await (const chunk of bytes) {
    reader.addInvalidOffsets(utf8.push(chunk));
    yield reader.read(scanner.push(chunk));
  }
  reader.addInvalidOffsets(utf8.end());
  yield reader.read(scanner.end());
}

class CsvReader {
  /** Offsets of invalid UTF-8, ascending; those before the next index belong to earlier records. */
  #invalidOffsets: readonly number[] = [];
  #nextInvalidOffset = 0;
  readonly #context: RecordContext;
  #header: Header | undefined;

  constructor(context: RecordContext) {
    this.#context = context;
  }

  addInvalidOffsets(offsets: readonly number[]): void {
    if (offsets.length === 0) return;
    this.#invalidOffsets = [...this.#invalidOffsets.slice(this.#nextInvalidOffset), ...offsets];
    this.#nextInvalidOffset = 0;
  }

  read(records: readonly CsvRecord[]): Finding[] {
    return records.flatMap((record) => this.#readOne(record) ?? []);
  }

  #readOne(record: CsvRecord): Finding | undefined {
    const { line } = record;
    const cells = this.#readCells(record);
    if (this.#header === undefined) {
      this.#header = readHeader(cells, line, this.#context);
      return findMissingMetadata(this.#header.names, this.#context);
    }
    const fields = typeof cells === "string" ? cells : nameCells(cells, this.#header);
    if (typeof fields === "string")
      return { problem: { where: formatLocation(this.#context.displayPath, line), message: fields } };
    return parseRecord(fields, line, this.#context);
  }

  /** Returns the cells of a record, or its problem. */
  #readCells(record: CsvRecord): readonly string[] | string {
    let invalidAt: number | undefined;
    while ((this.#invalidOffsets[this.#nextInvalidOffset] ?? Number.POSITIVE_INFINITY) < record.end) {
      invalidAt ??= this.#invalidOffsets[this.#nextInvalidOffset];
      this.#nextInvalidOffset += 1;
    }
    if ("error" in record) return record.error;
    if (invalidAt !== undefined) return INPUT_PROBLEMS.csvInvalidUtf8(invalidAt);
    return record.cells.some((cell) => cell.includes("\0")) ? INPUT_PROBLEMS.csvNul : record.cells;
  }
}

interface Header {
  readonly names: readonly string[];
  /** Indices of columns that the header does not name; their empty cells are left out. */
  readonly unnamed: ReadonlySet<number>;
}

/** Delimiters other than the usual ones, to recognize a header that was not split. */
const OTHER_DELIMITERS = [",", ";", "\t", "|"];

/** Reads the names of the columns; an unnamed one is called "column_<number>", and unnamed last ones may be absent. */
function readHeader(cells: readonly string[] | string, line: number, { textField }: RecordContext): Header {
  const reject = (problem: string): never => {
    throw new UnreadableSourceError(INPUT_PROBLEMS.header(problem), line);
  };
  if (typeof cells === "string") return reject(cells);
  const [onlyCell] = cells;
  if (cells.length === 1 && onlyCell !== undefined && textField !== undefined && onlyCell !== textField) {
    const delimiter = OTHER_DELIMITERS.find((other) => onlyCell.split(other).includes(textField));
    if (delimiter !== undefined) return reject(INPUT_PROBLEMS.otherDelimiter(delimiter));
  }
  const seen = new Set(cells);
  const named = new Set<string>();
  const unnamed = new Set<number>();
  const names = cells.map((cell, at) => {
    if (cell === "__proto__") return reject(INPUT_PROBLEMS.protoKey);
    if (cell.trim() === "") {
      unnamed.add(at);
      let name = `column_${at + 1}`;
      while (seen.has(name)) name += "_";
      seen.add(name);
      return name;
    }
    if (named.has(cell)) return reject(INPUT_PROBLEMS.duplicateColumn(cell));
    named.add(cell);
    return cell;
  });
  return { names, unnamed };
}

/** Returns the fields of a record, or its problem. Extra delimiters at the end of a record are accepted. */
function nameCells(cells: readonly string[], { names, unnamed }: Header): Record<string, string> | string {
  let columns = names.length;
  while (unnamed.has(columns - 1) && columns > cells.length) columns -= 1;
  const hasExtraCell = cells.slice(columns).some((cell) => cell !== "");
  if (cells.length < columns || hasExtraCell) return INPUT_PROBLEMS.cellCount(cells.length, names.length);
  const fields: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const cell = cells[at] ?? "";
    if (cell !== "" || !unnamed.has(at)) fields[name] = cell;
  }
  return fields;
}
