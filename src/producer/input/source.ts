import type { Readable } from "node:stream";

/** The input of one command: everything that decides which items a plan contains. */
export interface SourceOptions {
  /** Files, folders, globs, and `-` for JSONL on standard input, as typed. */
  readonly paths: readonly string[];
  /** Field of a record that contains its id. */
  readonly idField: string;
  /** Field of a record that contains the text. */
  readonly textField: string;
  /** The other fields of a record that become its metadata; by default all. */
  readonly metadataFields?: readonly string[];
  /** How CSV and TSV files are read, where it differs from the usual. */
  readonly csv?: CsvOptions;
  /** Estimated tokens per chunk, and shared by adjacent chunks; undefined: one item per document or record. */
  readonly chunk: { readonly tokens: number; readonly overlap: number } | undefined;
  /** Estimated tokens that the model accepts in one input, if known. */
  readonly maxTokens?: number;
  /** Name of the model whose tokens are counted near `maxTokens`, if its vocabulary is known. */
  readonly tokenizerModel?: string;
  /** Maximum number of items, or of requests of a batch file. */
  readonly limit?: number;
  /** Skip and count invalid input instead of rejecting the plan. */
  readonly skipInvalid: boolean;
  readonly stdin?: Readable;
  /** Folder that relative paths start from. */
  readonly cwd: string;
  /** Folders and files that are never read, such as an output folder inside a source folder. */
  readonly exclude?: readonly string[];
}

/** Options that override how a CSV or TSV file is read. */
export interface CsvOptions {
  /** Delimiter of cells: one ASCII character. Default: a comma, or a tab for TSV. */
  readonly delimiter?: string;
  /** Quote: one ASCII character, or "none" when quotes are ordinary text. Default: ". */
  readonly quote?: string;
}

/** A problem of the input. `where` is a path, "path:line" or an option; `message` contains no document text. */
export interface SourceProblem {
  readonly where: string;
  readonly message: string;
}

export type SourceKind = "markdown" | "text" | "html" | "json" | "jsonl" | "csv" | "tsv" | "parquet";

/** A file to read. */
export interface SourceFile {
  /** Absolute path, or "-" for standard input. */
  readonly path: string;
  /** The path as the user would type it. */
  readonly displayPath: string;
  /** Path relative to the folder it was found in, with "/"; used in ids and metadata. Unique in a listing. */
  readonly name: string;
  readonly kind: SourceKind;
  /** Bytes; 0 for standard input. */
  readonly size: number;
  readonly mtimeNs: bigint;
}

/** A whole document (`record: false`; `id` is the file's name) or one record of a file of records. */
export interface SourceDocument {
  readonly id: string;
  readonly text: string;
  readonly record: boolean;
  /** Line of the file, or number of the record in a JSON or Parquet file, from 1; absent for a whole document. */
  readonly line?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Texts of a request that has several; each becomes an item with the id of the request. `text` is the first. */
  readonly parts?: readonly string[];
  /** Tokens of each part, where they are not those of its text. */
  readonly partTokens?: readonly number[];
}

/** What a reader yields: a document to plan, a problem in its place, or a note for the user in one sentence. */
export type Finding =
  | { readonly document: SourceDocument }
  | { readonly problem: SourceProblem }
  | { readonly note: string };

/** Thrown by a reader when the rest of a file cannot be used; becomes one problem of that file. */
export class UnreadableSourceError extends Error {
  override readonly name = "UnreadableSourceError";
  readonly line: number | undefined;

  constructor(message: string, line?: number) {
    super(message);
    this.line = line;
  }
}

/** Formats a location for problems: "poems.jsonl:318". */
export function formatLocation(displayPath: string, line: number | undefined): string {
  return line === undefined ? displayPath : `${displayPath}:${line}`;
}
