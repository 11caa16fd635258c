import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation, UnreadableSourceError } from "#src/producer/input/source.ts";
import { type CsvRecord, CsvScanner } from "./csv-scanner.ts";
import { Utf8Validator } from "./utf8-validator.ts";

/**
 * Reads CSV or TSV whose first record names the fields. Cells may be quoted and contain line breaks; the line of a
 * record is the line on which it starts. Throws `UnreadableSourceError` for an invalid header.
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  delimiter: string,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  const scanner = new CsvScanner(delimiter);
  const utf8 = new Utf8Validator();
  const reader = new CsvReader(context);
  for await (const chunk of bytes) {
    reader.addInvalidOffsets(utf8.push(chunk));
    yield reader.read(scanner.push(chunk));
  }
  reader.addInvalidOffsets(utf8.end());
  yield reader.read(await scanner.end());
}

class CsvReader {
  /** Offsets of invalid UTF-8, ascending; those before the next index belong to earlier records. */
  #invalidOffsets: readonly number[] = [];
  #nextInvalidOffset = 0;
  readonly #context: RecordContext;
  #header: readonly string[] | undefined;

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
      this.#header = checkHeader(cells, line);
      return undefined;
    }
    if (typeof cells === "string")
      return { problem: { where: formatLocation(this.#context.displayPath, line), message: cells } };
    const fields: Record<string, string> = {};
    for (const [at, name] of this.#header.entries()) fields[name] = cells[at] ?? "";
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

function checkHeader(cells: readonly string[] | string, line: number): readonly string[] {
  if (typeof cells === "string") throw new UnreadableSourceError(INPUT_PROBLEMS.header(cells), line);
  const seen = new Set<string>();
  for (const cell of cells) {
    const hasProblem = cell === "__proto__" || seen.has(cell);
    const problem = cell === "__proto__" ? INPUT_PROBLEMS.protoKey : INPUT_PROBLEMS.duplicateColumn(cell);
    if (hasProblem) throw new UnreadableSourceError(INPUT_PROBLEMS.header(problem), line);
    seen.add(cell);
  }
  return cells;
}
