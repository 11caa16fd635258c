import type { SourceKind, SourceProblem } from "#src/producer/input/source.ts";
import type { StdinDigest } from "./stdin-digest.ts";

/** Counts of the items of a run. */
export interface Plan {
  /** False when the input has problems; there is no database then. */
  readonly isAccepted: boolean;
  readonly items: number;
  /** Documents and records with at least one item. */
  readonly documents: number;
  /** Files read. */
  readonly files: number;
  /** Files in folders and globs whose type is not supported. */
  readonly skippedFiles: number;
  /** Estimated tokens of all items. */
  readonly tokens: number;
  /** Items that equal an earlier one and are not sent, and their estimated tokens (part of `tokens`). */
  readonly duplicates: number;
  readonly duplicateTokens: number;
  /** Bytes read from the sources. */
  readonly bytes: number;
  readonly byKind: Readonly<Partial<Record<SourceKind, KindCount>>>;
  /** Hexadecimal SHA-256 of the names, sizes and contents of the sources as far as they were read. */
  readonly sourceHash: string;
  /** Undefined when standard input was not a source. */
  readonly stdin?: StdinDigest;
  /** Result of `fingerprintSources` before reading. */
  readonly fingerprint: string;
  /** The first 1,000 problems. */
  readonly problems: readonly SourceProblem[];
  /** What the user should know about the input, in sentences. */
  readonly notes: readonly string[];
  /** Number of all problems. */
  readonly problemCount: number;
}

export interface KindCount {
  readonly files: number;
  readonly items: number;
}

/** Progress of planning. `bytesTotal` excludes standard input, whose size is unknown. */
export interface PlanProgress {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly items: number;
  readonly problems: number;
}
