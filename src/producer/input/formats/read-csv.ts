import { PROTO_KEY_FAULT, parseRecord, type RecordContext } from "#src/producer/input/record-fields.ts";
import { type Finding, formatLocation, UnreadableSourceError } from "#src/producer/input/source.ts";
import { type CsvRecord, CsvScanner } from "./csv-scanner.ts";
import { Utf8Validator } from "./utf8-validator.ts";

/**
 * Reads CSV or TSV whose first record names the fields. Cells may be quoted and hold line ends; a record's line is
 * where it starts. Throws `UnreadableSource` when the header cannot be used.
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  delimiter: string,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  const scan = new CsvScanner(delimiter);
  const utf8 = new Utf8Validator();
  const reader = new CsvReader(context);
  for await (const chunk of bytes) {
    reader.addInvalidOffsets(utf8.push(chunk));
    yield reader.findings(scan.push(chunk));
  }
  reader.addInvalidOffsets(utf8.end());
  yield reader.findings(await scan.end());
}

class CsvReader {
  /** Offsets of invalid UTF-8 that no record has answered for yet, ascending. */
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

  findings(found: readonly CsvRecord[]): Finding[] {
    const findings: Finding[] = [];
    for (const next of found) {
      const finding = this.#find(next);
      if (finding !== undefined) findings.push(finding);
    }
    return findings;
  }

  #find(found: CsvRecord): Finding | undefined {
    const fault = this.#findFault(found);
    if (this.#header === undefined) {
      if (fault !== undefined || !("cells" in found)) throw new UnreadableSourceError(`header: ${fault}`, found.line);
      this.#header = checkHeader(found.cells, found.line);
      return undefined;
    }
    if (fault !== undefined || !("cells" in found)) {
      const where = formatLocation(this.#context.displayPath, found.line);
      return { problem: { where, message: fault ?? "cannot be read" } };
    }
    const record: Record<string, string> = {};
    for (const [at, name] of this.#header.entries()) record[name] = found.cells[at] ?? "";
    return parseRecord(record, found.line, this.#context);
  }

  #findFault(found: CsvRecord): string | undefined {
    let invalidAt: number | undefined;
    while ((this.#invalidOffsets[this.#nextInvalidOffset] ?? Number.POSITIVE_INFINITY) < found.end) {
      invalidAt ??= this.#invalidOffsets[this.#nextInvalidOffset];
      this.#nextInvalidOffset += 1;
    }
    if ("fault" in found) return found.fault;
    if (invalidAt !== undefined) return `invalid UTF-8 at byte ${invalidAt} of the file`;
    if (found.cells.some((cell) => cell.includes("\0"))) return "holds a NUL byte; expected text";
    return undefined;
  }
}

function checkHeader(cells: readonly string[], line: number): readonly string[] {
  const seen = new Set<string>();
  for (const cell of cells) {
    if (cell === "__proto__") throw new UnreadableSourceError(`header: ${PROTO_KEY_FAULT}`, line);
    if (seen.has(cell)) throw new UnreadableSourceError(`header: two columns are called ${JSON.stringify(cell)}`, line);
    seen.add(cell);
  }
  return cells;
}
