import { isUtf8 } from "node:buffer";
import { extname } from "node:path";
import { withoutByteOrderMark } from "./formats/read-lines.ts";
import { INPUT_PROBLEMS } from "./problems.ts";
import type { SourceKind } from "./source.ts";

const KIND_OF_EXTENSION: Readonly<Record<string, SourceKind>> = {
  ".md": "markdown",
  ".markdown": "markdown",
  ".mdx": "markdown",
  ".txt": "text",
  ".text": "text",
  ".rst": "text",
  ".html": "html",
  ".htm": "html",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".csv": "csv",
  ".tsv": "tsv",
  ".parquet": "parquet",
};

/** Returns the kind for a file's extension, ignoring case; undefined for an unsupported extension. */
export function getKindOfPath(path: string): SourceKind | undefined {
  return KIND_OF_EXTENSION[extname(path).toLowerCase()];
}

/** Lists all supported extensions for messages. */
export function formatExtensions(): string {
  return Object.keys(KIND_OF_EXTENSION).join(" ");
}

/** Bytes that decide whether a file is text; a binary format contains a NUL well before this. */
export const SNIFF_BYTES = 8192;

/** Formats that start with text but are not text, by how they start. */
const FORMATTED_TEXT: readonly { readonly start: RegExp; readonly format: string }[] = [
  { start: /^\s*%PDF-\d/, format: "a PDF file" },
  { start: /^\s*\{\\rtf/, format: "an RTF file" },
  { start: /^\s*%!PS/, format: "a PostScript file" },
];

/** Returns why the first bytes of a file are not plain UTF-8 text, or undefined when they may be. */
export function findBinaryProblem(head: Uint8Array): string | undefined {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return INPUT_PROBLEMS.utf16;
  const start = withoutByteOrderMark(Buffer.from(head.subarray(0, 1024))).toString("latin1");
  const formatted = FORMATTED_TEXT.find((each) => each.start.test(start));
  if (formatted !== undefined) return INPUT_PROBLEMS.convertFirst(formatted.format);
  const nul = head.subarray(0, SNIFF_BYTES).indexOf(0);
  return nul === -1 ? undefined : INPUT_PROBLEMS.binary(nul);
}

/** Returns whether the first bytes of a file are UTF-8; their last character may be cut off. */
export function looksLikeUtf8(head: Uint8Array): boolean {
  for (let cut = 0; cut <= 3 && cut <= head.length; cut++) {
    if (isUtf8(head.subarray(0, head.length - cut))) return true;
  }
  return false;
}
