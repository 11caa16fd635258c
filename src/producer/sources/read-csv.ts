import { type CsvFound, CsvScan } from "./csv-scan.ts";
import { findRecord, PROTO_KEY_FAULT, type RecordContext } from "./record-fields.ts";
import { type Finding, formatPlace, UnreadableSource } from "./source.ts";
import { Utf8Scan } from "./utf8-scan.ts";

/**
 * Reads CSV or TSV whose first record names the fields. Cells may be quoted and hold line ends; a record's line is
 * where it starts. Throws `UnreadableSource` when the header cannot be used.
 */
export async function* readCsv(
  bytes: AsyncIterable<Buffer>,
  delimiter: string,
  context: RecordContext,
): AsyncGenerator<readonly Finding[]> {
  const scan = new CsvScan(delimiter);
  const utf8 = new Utf8Scan();
  const reader = new CsvReader(context);
  for await (const chunk of bytes) {
    reader.addFaults(utf8.push(chunk));
    yield reader.findings(scan.push(chunk));
  }
  reader.addFaults(utf8.end());
  yield reader.findings(await scan.end());
}

class CsvReader {
  /** Offsets of invalid UTF-8 that no record has answered for yet, ascending. */
  #faults: readonly number[] = [];
  #nextFault = 0;
  readonly #context: RecordContext;
  #header: readonly string[] | undefined;

  constructor(context: RecordContext) {
    this.#context = context;
  }

  addFaults(offsets: readonly number[]): void {
    if (offsets.length === 0) return;
    this.#faults = [...this.#faults.slice(this.#nextFault), ...offsets];
    this.#nextFault = 0;
  }

  findings(found: readonly CsvFound[]): Finding[] {
    const findings: Finding[] = [];
    for (const next of found) {
      const finding = this.#find(next);
      if (finding !== undefined) findings.push(finding);
    }
    return findings;
  }

  #find(found: CsvFound): Finding | undefined {
    const fault = this.#faultOf(found);
    if (this.#header === undefined) {
      if (fault !== undefined || !("cells" in found))
        throw new UnreadableSource(`header: ${fault}`, found.line);
      this.#header = checkHeader(found.cells, found.line);
      return undefined;
    }
    if (fault !== undefined || !("cells" in found)) {
      const where = formatPlace(this.#context.shown, found.line);
      return { problem: { where, message: fault ?? "cannot be read" } };
    }
    const record: Record<string, string> = {};
    for (const [at, name] of this.#header.entries()) record[name] = found.cells[at] ?? "";
    return findRecord(record, found.line, this.#context);
  }

  #faultOf(found: CsvFound): string | undefined {
    let invalidAt: number | undefined;
    while ((this.#faults[this.#nextFault] ?? Number.POSITIVE_INFINITY) < found.end) {
      invalidAt ??= this.#faults[this.#nextFault];
      this.#nextFault += 1;
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
    if (cell === "__proto__") throw new UnreadableSource(`header: ${PROTO_KEY_FAULT}`, line);
    if (seen.has(cell))
      throw new UnreadableSource(`header: two columns are called ${JSON.stringify(cell)}`, line);
    seen.add(cell);
  }
  return cells;
}
