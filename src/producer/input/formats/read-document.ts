import { type Finding, type SourceFile, UnreadableSourceError } from "#src/producer/input/source.ts";
import { htmlToText } from "./html-text.ts";
import { withoutByteOrderMark } from "./read-lines.ts";
import { findInvalidUtf8 } from "./utf8-validator.ts";

const MEGABYTE = 1024 * 1024;
/** A document is held in memory whole; no book is this long, a log or a dump is, and belongs into JSONL. */
const MAX_DOCUMENT_BYTES = 64 * MEGABYTE;
/** A page becomes a tree of many times its size before it becomes text. */
const MAX_HTML_BYTES = 16 * MEGABYTE;

/** Reads a file that is one document. Throws `UnreadableSource` for one too large, not UTF-8, or without text. */
export async function* readDocument(
  file: SourceFile,
  bytes: AsyncIterable<Buffer>,
): AsyncGenerator<readonly Finding[]> {
  const limit = file.kind === "html" ? MAX_HTML_BYTES : MAX_DOCUMENT_BYTES;
  const raw = withoutByteOrderMark(await readWhole(bytes, limit));
  const nul = raw.indexOf(0);
  if (nul !== -1) throw new UnreadableSourceError(`looks binary: a NUL byte at byte ${nul}; expected UTF-8 text`);
  const fault = findInvalidUtf8(raw);
  if (fault !== undefined) {
    const line = countLines(raw.subarray(0, fault));
    throw new UnreadableSourceError(`invalid UTF-8 at byte ${fault}; convert the file to UTF-8`, line);
  }
  const content = raw.toString("utf8");
  const text = file.kind === "html" ? await htmlToText(content) : content;
  if (text.trim() === "") throw new UnreadableSourceError("holds no text");
  yield [{ document: { id: file.name, text, record: false, metadata: { source: file.name } } }];
}

async function readWhole(bytes: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of bytes) {
    size += part.length;
    if (size > limit) {
      const megabytes = limit / MEGABYTE;
      throw new UnreadableSourceError(`is larger than ${megabytes} MB; split it, or give its parts as JSONL records`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

function countLines(bytes: Buffer): number {
  let lines = 1;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}
