/** A row as it was found in a file of an output. An undefined property is not part of the file and is not compared. */
export interface FoundRow {
  readonly id?: string | undefined;
  /** The item that the row says it belongs to. */
  readonly index?: number | undefined;
  readonly isOk?: boolean | undefined;
  /** Digest of the text. */
  readonly text?: string | undefined;
  /** Checksums of the fields, and of the vector or the line. */
  readonly fields?: number | undefined;
  readonly result?: number | undefined;
  /** Why the row cannot be read; all other properties are undefined then. */
  readonly error?: string;
}

/** Consecutive rows of a file. */
export interface FoundRows {
  readonly rows: readonly FoundRow[];
  /** The bytes of the file before this position have been read. */
  readonly end: number;
  /** The last of these bytes, since the previous rows; undefined if the file was not read in order. Valid until the next rows. */
  readonly bytes?: Uint8Array;
}

/** The checksum of a result that is missing. */
export const NO_RESULT = -1;

/** How the result of a row is named in messages. */
export type ResultName = "vector" | "error" | "answer";
