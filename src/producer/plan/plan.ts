import type { SourceKind, SourceProblem } from "#src/producer/input/source.ts";
import type { StdinDigest } from "./stdin-digest.ts";

/** What is going to be done, and where its items are. */
export interface Plan {
  /** Path of the spool; undefined when the plan is refused and nothing was kept. */
  readonly itemsFile: string | undefined;
  readonly items: number;
  /** Documents and records that gave at least one item. */
  readonly documents: number;
  /** Files read. */
  readonly files: number;
  /** Files of folders and globs that are of no kind we read. */
  readonly skippedFiles: number;
  /** Estimated tokens of all items. */
  readonly tokens: number;
  /** Items that are equal to an earlier one and are not sent, and their part of the tokens. */
  readonly duplicates: number;
  readonly duplicateTokens: number;
  /** Bytes of the sources as read. */
  readonly bytes: number;
  readonly byKind: Readonly<Partial<Record<SourceKind, KindCount>>>;
  /** SHA-256, in hex, over the names, sizes and contents of the sources as far as they were read. */
  readonly sourceHash: string;
  /** Absent when standard input was not among the sources. */
  readonly stdin?: StdinDigest;
  /** What `fingerprintSources` said before reading. */
  readonly fingerprint: string;
  /** The first problems found. */
  readonly problems: readonly SourceProblem[];
  /** All problems found. */
  readonly problemCount: number;
}

export interface KindCount {
  readonly files: number;
  readonly items: number;
}

/** How far a planning is. `bytesTotal` leaves out standard input, whose size nobody knows. */
export interface PlanProgress {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly items: number;
  readonly problems: number;
}
