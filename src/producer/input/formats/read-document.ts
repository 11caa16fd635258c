import { INPUT_PROBLEMS } from "#src/producer/input/problems.ts";
import { type Finding, type SourceFile, UnreadableSourceError } from "#src/producer/input/source.ts";
import { withoutByteOrderMark } from "./read-lines.ts";
import { findInvalidUtf8 } from "./utf8-validator.ts";

const MEGABYTE = 1024 * 1024;
/** A document is held in memory as a whole. No book is this long; a log or a dump is, and should be JSONL. */
const MAX_DOCUMENT_BYTES = 64 * MEGABYTE;
/** No page is this long; a dump is, and should be JSONL. */
const MAX_HTML_BYTES = 16 * MEGABYTE;

/** Reads a file that is one document. Throws `UnreadableSourceError` if it is too large, not UTF-8, or has no text. */
export async function* readDocument(
  file: SourceFile,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<readonly Finding[]> {
  const isHtml = file.kind === "html";
  const raw = withoutByteOrderMark(await readAll(bytes, isHtml ? MAX_HTML_BYTES : MAX_DOCUMENT_BYTES));
  const nul = raw.indexOf(0);
  if (nul !== -1) throw new UnreadableSourceError(INPUT_PROBLEMS.binary(nul));
  const invalidAt = findInvalidUtf8(raw);
  if (invalidAt !== undefined) {
    throw new UnreadableSourceError(INPUT_PROBLEMS.invalidUtf8(invalidAt), countLines(raw.subarray(0, invalidAt)));
  }
  // A byte order mark in the middle, as in concatenated files, is invisible and hides headings.
  const content = raw.toString("utf8").replaceAll("\ufeff", "");
  const text = isHtml ? yield* readHtml(content) : normalizeLineEnds(content);
  if (text.trim() === "") throw new UnreadableSourceError(INPUT_PROBLEMS.noText);
  yield [{ document: { id: file.name, text, record: false, metadata: { source: file.name } } }];
}

/** Yields no findings between the steps of the conversion, so that the caller can stop it. */
async function* readHtml(content: string): AsyncGenerator<readonly Finding[], string> {
  const { convertHtml } = await import("./html-to-text.ts");
  const conversion = convertHtml(content);
  let step = conversion.next();
  for (; !step.done; step = conversion.next()) yield [];
  return step.value;
}

/** Paragraphs are found by their line ends; a carriage return would also be sent to the model. */
function normalizeLineEnds(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n");
}

async function readAll(bytes: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of bytes) {
    size += part.length;
    if (size > limit) throw new UnreadableSourceError(INPUT_PROBLEMS.tooLarge(limit / MEGABYTE));
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

function countLines(bytes: Buffer): number {
  let lines = 1;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}
