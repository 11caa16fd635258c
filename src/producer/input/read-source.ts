import type { Readable } from "node:stream";
import { readCsv } from "./formats/read-csv.ts";
import { readDocument } from "./formats/read-document.ts";
import { readJsonl } from "./formats/read-jsonl.ts";
import { readParquet } from "./formats/read-parquet.ts";
import type { RecordContext } from "./record-fields.ts";
import { type Finding, formatLocation, type SourceFile, UnreadableSourceError } from "./source.ts";
import { type ByteTap, fileBytes, streamBytes } from "./source-bytes.ts";
import { explainNotText, SNIFF_BYTES } from "./source-kind.ts";

export interface ReadOptions {
  readonly idField: string;
  readonly textField: string;
  readonly stdin?: Readable;
}

/**
 * Everything in one file, in groups and in order: documents, and problems where there should have been some. What
 * makes the file itself unreadable is one last problem; this throws only for faults that are not the file's.
 */
export async function* readSource(
  file: SourceFile,
  options: ReadOptions,
  tap: ByteTap,
): AsyncGenerator<readonly Finding[]> {
  yield* catchUnreadable(file, () => readFindings(file, options, tap));
}

/** What `read` finds in a file; what makes the file itself unreadable is one last problem. */
export async function* catchUnreadable(
  file: SourceFile,
  read: () => AsyncIterable<readonly Finding[]>,
): AsyncGenerator<readonly Finding[]> {
  try {
    // Called inside the try block: a source that cannot even be opened is a problem of the same kind.
    yield* read();
  } catch (error) {
    if (!(error instanceof UnreadableSourceError)) throw error;
    yield [{ problem: { where: formatLocation(file.displayPath, error.line), message: error.message } }];
  }
}

function readFindings(file: SourceFile, options: ReadOptions, tap: ByteTap): AsyncGenerator<readonly Finding[]> {
  const context: RecordContext = {
    displayPath: file.displayPath,
    name: file.name,
    idField: options.idField,
    textField: options.textField,
  };
  if (file.kind === "parquet") return readParquet(file, tap, context);
  const bytes = readTextBytes(file, options, tap);
  switch (file.kind) {
    case "jsonl":
      return readJsonl(bytes, context);
    case "csv":
      return readCsv(bytes, ",", context);
    case "tsv":
      return readCsv(bytes, "\t", context);
    default:
      return readDocument(file, bytes);
  }
}

/** The bytes of a file that begins like text; throws `UnreadableSource` for any other. */
export function readTextBytes(
  file: SourceFile,
  options: Pick<ReadOptions, "stdin">,
  tap: ByteTap,
): AsyncIterable<Buffer> {
  return assertText(readBytes(file, options, tap));
}

function readBytes(file: SourceFile, options: Pick<ReadOptions, "stdin">, tap: ByteTap): AsyncIterable<Buffer> {
  if (file.path !== "-") return fileBytes(file, tap);
  if (options.stdin === undefined) throw new UnreadableSourceError("no standard input was given");
  return streamBytes(options.stdin, tap);
}

/** Passes bytes through; refuses a binary file by its first bytes instead of by thousands of bad lines. */
async function* assertText(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let sniffed = 0;
  for await (const chunk of bytes) {
    if (sniffed < SNIFF_BYTES) {
      const why = explainNotText(sniffed === 0 ? chunk : chunk.subarray(0, SNIFF_BYTES - sniffed));
      if (why !== undefined) throw new UnreadableSourceError(why);
      sniffed += chunk.length;
    }
    yield chunk;
  }
}
