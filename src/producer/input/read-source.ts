import type { Readable } from "node:stream";
import { readCsv } from "./formats/read-csv.ts";
import { readDocument } from "./formats/read-document.ts";
import { readJson } from "./formats/read-json.ts";
import { readJsonl } from "./formats/read-jsonl.ts";
import { readParquet } from "./formats/read-parquet.ts";
import { INPUT_PROBLEMS } from "./problems.ts";
import type { RecordContext } from "./record-fields.ts";
import { type CsvOptions, type Finding, formatLocation, type SourceFile, UnreadableSourceError } from "./source.ts";
import { type ByteTap, readFileBytes, readStreamBytes } from "./source-bytes.ts";
import { findBinaryProblem, SNIFF_BYTES } from "./source-kind.ts";

export interface ReadOptions {
  readonly idField: string;
  /** Absent where records have no text; see RecordContext. */
  readonly textField: string | undefined;
  readonly metadataFields?: readonly string[];
  /** How CSV and TSV files are read, where it differs from the usual. */
  readonly csv?: CsvOptions;
  readonly stdin?: Readable;
}

/**
 * Reads one file: yields its documents and problems in groups, in order. When the file cannot be read any further,
 * the last finding is a problem. Throws only for errors that the file did not cause.
 */
export async function* readSource(
  file: SourceFile,
  options: ReadOptions,
  tap: ByteTap,
): AsyncGenerator<readonly Finding[]> {
  yield* catchUnreadable(file, () => readFindings(file, options, tap));
}

/** Yields the findings of `read`, and a problem when it throws `UnreadableSourceError`. */
export async function* catchUnreadable(
  file: SourceFile,
  read: () => AsyncIterable<readonly Finding[]>,
): AsyncGenerator<readonly Finding[]> {
  try {
    // Called inside the try block, because opening the source may throw the same error.
    yield* read();
  } catch (error) {
    if (!(error instanceof UnreadableSourceError)) throw error;
    yield [{ problem: { where: formatLocation(file.displayPath, error.line), message: error.message } }];
  }
}

function readFindings(file: SourceFile, options: ReadOptions, tap: ByteTap): AsyncGenerator<readonly Finding[]> {
  const { displayPath, name, kind } = file;
  const { idField, textField, metadataFields } = options;
  const context: RecordContext = { displayPath, name, idField, textField, metadataFields };
  if (kind === "parquet") return readParquet(file, tap, context);
  const bytes = readTextBytes(file, options, tap);
  switch (kind) {
    case "json":
      return readJson(bytes, context);
    case "jsonl":
      return readJsonl(bytes, context);
    case "csv":
    case "tsv":
      return readCsv(bytes, kind, options.csv ?? {}, context);
    default:
      return readDocument(file, bytes);
  }
}

/**
 * Reads the bytes of a text file. Throws `UnreadableSourceError` when the first bytes are binary, instead of reporting
 * thousands of invalid lines.
 */
export async function* readTextBytes(
  file: SourceFile,
  options: Pick<ReadOptions, "stdin">,
  tap: ByteTap,
): AsyncGenerator<Buffer> {
  let sniffed = 0;
  for await (const chunk of readBytes(file, options, tap)) {
    if (sniffed < SNIFF_BYTES) {
      const problem = findBinaryProblem(sniffed === 0 ? chunk : chunk.subarray(0, SNIFF_BYTES - sniffed));
      if (problem !== undefined) throw new UnreadableSourceError(problem);
      sniffed += chunk.length;
    }
    yield chunk;
  }
}

function readBytes(file: SourceFile, { stdin }: Pick<ReadOptions, "stdin">, tap: ByteTap): AsyncIterable<Buffer> {
  if (file.path !== "-") return readFileBytes(file, tap);
  if (stdin === undefined) throw new UnreadableSourceError(INPUT_PROBLEMS.noStdin);
  return readStreamBytes(stdin, tap);
}
