import { isUtf8 } from "node:buffer";
import { extname } from "node:path";
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

/** The kind a file's extension says it is, in any case of letters; undefined for an extension we do not read. */
export function kindOfPath(path: string): SourceKind | undefined {
  return KIND_OF_EXTENSION[extname(path).toLowerCase()];
}

/** Every extension that is read from folders, for messages. */
export function readableExtensions(): string {
  return Object.keys(KIND_OF_EXTENSION).join(" ");
}

/** Bytes that decide whether a file is text; a binary format shows a NUL well before this. */
export const SNIFF_BYTES = 8192;

/** Says why the first bytes of a file cannot be UTF-8 text, or undefined when they can. */
export function explainNotText(head: Uint8Array): string | undefined {
  const [first, second] = head;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return "is UTF-16; convert it to UTF-8 first";
  }
  const sniffed = head.subarray(0, SNIFF_BYTES);
  const nul = sniffed.indexOf(0);
  if (nul !== -1) return `looks binary: a NUL byte at byte ${nul}; expected UTF-8 text`;
  return undefined;
}

/** True for text in UTF-8, judged by the first bytes; a character cut off at their end is no fault. */
export function looksLikeText(head: Uint8Array): boolean {
  if (explainNotText(head) !== undefined) return false;
  for (let cut = 0; cut <= 3 && cut <= head.length; cut++) {
    if (isUtf8(head.subarray(0, head.length - cut))) return true;
  }
  return false;
}
