import { createHash } from "node:crypto";
import type { SourceListing } from "#src/producer/input/list-sources.ts";
import {
  type Finding,
  formatLocation,
  type SourceDocument,
  type SourceFile,
  type SourceKind,
  type SourceOptions,
  type SourceProblem,
} from "#src/producer/input/source.ts";
import type { ByteTap } from "#src/producer/input/source-bytes.ts";
import type { ItemWriter } from "#src/producer/storage/item-writer.ts";
import { HashIndex } from "./hash-index.ts";
import type { KindCount, Plan, PlanProgress } from "./plan.ts";
import type { PlannedItem } from "./planned-item.ts";
import { DocumentSplitter, truncateId } from "./split-document.ts";
import { TextIndex } from "./text-index.ts";

/** Problems that are kept; the others are only counted, so that memory stays bounded for invalid files of any size. */
const KEPT_PROBLEMS = 1000;

export type PlanOptions = SourceOptions & {
  /** Unit of `limit`. Default: items. */
  readonly limitUnit?: "items" | "documents";
  /** Items with the same key have the same text and are sent only once; an item without a key is never a duplicate. */
  readonly duplicateKey?: (item: PlannedItem) => string | undefined;
};

/** Writes items to the run's database, rejects duplicate ids, and keeps all counts of the plan. */
export class PlanBuilder {
  readonly #options: PlanOptions;
  readonly #writer: ItemWriter;
  readonly #listing: SourceListing;
  readonly #splitter: DocumentSplitter;
  readonly #ids = new HashIndex();
  /** Items by their `duplicateKey`, without duplicates. */
  readonly #distinctItems = new TextIndex();
  readonly #hash = createHash("sha256");
  /** Hash of standard input alone, for `StdinDigest`. */
  readonly #stdinHash = createHash("sha256");
  #stdinBytes: number | undefined;
  #isStdin = false;
  readonly #problems: SourceProblem[] = [];
  #problemCount = 0;
  readonly #notes: string[] = [];
  readonly #byKind: Partial<Record<SourceKind, KindCount>> = {};
  /** The index of the first item of each file, to find the file of an item. */
  readonly #starts: { readonly firstItem: number; readonly file: SourceFile }[] = [];
  #documents = 0;
  #tokens = 0;
  #duplicates = 0;
  #duplicateTokens = 0;
  #bytes = 0;
  #filesDone = 0;

  constructor(options: PlanOptions, writer: ItemWriter, listing: SourceListing) {
    this.#options = options;
    this.#writer = writer;
    this.#listing = listing;
    this.#splitter = new DocumentSplitter(options);
    for (const problem of listing.problems) this.addProblem(problem);
  }

  get hasProblems(): boolean {
    return this.#problemCount > 0;
  }

  /** Whether the plan has reached its limit; the parts of one request are never separated. */
  get isFull(): boolean {
    const { limit, limitUnit = "items" } = this.#options;
    return limit !== undefined && (limitUnit === "items" ? this.#writer.items : this.#documents) >= limit;
  }

  /** Counts and hashes every byte of the sources. */
  readonly tap: ByteTap = (bytes) => {
    this.#bytes += bytes.length;
    this.#hash.update(bytes);
    if (!this.#isStdin) return;
    this.#stdinBytes = (this.#stdinBytes ?? 0) + bytes.length;
    this.#stdinHash.update(bytes);
  };

  startFile(file: SourceFile): void {
    this.#starts.push({ firstItem: this.#writer.items, file });
    this.#isStdin = file.path === "-";
    this.#hash.update(`${JSON.stringify([file.name, file.size])}\n`);
  }

  endFile(): void {
    this.#filesDone += 1;
    const start = this.#starts.at(-1);
    if (start === undefined) return;
    const count = this.#byKind[start.file.kind] ?? { files: 0, items: 0 };
    const items = count.items + this.#writer.items - start.firstItem;
    this.#byKind[start.file.kind] = { files: count.files + 1, items };
  }

  addProblem(problem: SourceProblem): void {
    this.#problemCount += 1;
    if (this.#problems.length < KEPT_PROBLEMS) this.#problems.push(problem);
  }

  /** Adds a document or a problem; yields after each item, so that the caller can report progress and stop. */
  async *addFinding(finding: Finding, file: SourceFile): AsyncGenerator<void> {
    if ("problem" in finding) {
      this.addProblem(finding.problem);
      return;
    }
    if ("note" in finding) {
      this.#notes.push(finding.note);
      return;
    }
    const { document } = finding;
    const where = formatLocation(file.displayPath, document.line);
    const before = this.#writer.items;
    for await (const planned of this.#splitter.split(document, file.kind)) {
      const message = "error" in planned ? planned.error : this.#addItem(planned.item, document);
      if (message !== undefined) {
        this.addProblem({ where, message });
        break;
      }
      yield;
      if (this.isFull) break;
    }
    if (this.#writer.items > before) this.#documents += 1;
  }

  /** Appends an item, or returns the reason why it cannot be added. */
  #addItem(item: PlannedItem, document: SourceDocument): string | undefined {
    const conflict = this.#findIdConflict(item, document);
    if (conflict !== undefined) return conflict;
    const metadata = item.metadata && toJson(item.metadata);
    if (item.metadata && metadata === undefined) return "its metadata is nested too deeply";
    const duplicateOf = this.#findDuplicate(item);
    // Reserves the id of a record in several chunks, so that no other record can use it.
    if (document.record && item.id === `${document.id}#0`) this.#ids.add(document.id, this.#writer.items);
    this.#ids.add(item.id, this.#writer.items);
    this.#tokens += item.tokens;
    if (duplicateOf !== undefined) {
      this.#duplicates += 1;
      this.#duplicateTokens += item.tokens;
    }
    this.#writer.append({ ...item, metadata, duplicateOf });
    return undefined;
  }

  #findIdConflict(item: PlannedItem, document: SourceDocument): string | undefined {
    const ids = document.record && item.id === `${document.id}#0` ? [item.id, document.id] : [item.id];
    for (const id of ids) {
      for (const candidate of this.#ids.candidates(id)) {
        const other = this.#writer.read(candidate);
        // Items with the same hash may have another id. The id of a record in chunks is stored with its first chunk.
        if (other.id !== id && other.id !== `${id}#0`) continue;
        const place = formatLocation(this.#fileOf(candidate)?.displayPath ?? "?", other.line);
        return `the id ${truncateId(id)} is already used by ${place}; every item needs its own`;
      }
    }
    return undefined;
  }

  /** Returns the index of the first item with the same key, or registers this item as the first one. */
  #findDuplicate(item: PlannedItem): number | undefined {
    const key = this.#options.duplicateKey?.(item);
    return key === undefined ? undefined : this.#distinctItems.findOrAdd(key, this.#writer.items);
  }

  #fileOf(item: number): SourceFile | undefined {
    return this.#starts.findLast((start) => start.firstItem <= item)?.file;
  }

  progress(): PlanProgress {
    return {
      files: this.#filesDone,
      filesTotal: this.#listing.files.length,
      bytes: this.#bytes,
      bytesTotal: this.#listing.files.reduce((sum, file) => sum + file.size, 0),
      items: this.#writer.items,
      problems: this.#problemCount,
    };
  }

  plan(isAccepted: boolean, fingerprint: string): Plan {
    return {
      isAccepted,
      items: this.#writer.items,
      documents: this.#documents,
      files: this.#filesDone,
      skippedFiles: this.#listing.skippedFiles,
      tokens: this.#tokens,
      duplicates: this.#duplicates,
      duplicateTokens: this.#duplicateTokens,
      bytes: this.#bytes,
      byKind: this.#byKind,
      sourceHash: this.#hash.digest("hex"),
      stdin:
        this.#stdinBytes === undefined ? undefined : { bytes: this.#stdinBytes, sha256: this.#stdinHash.digest("hex") },
      fingerprint,
      problems: this.#problems,
      notes: this.#notes,
      problemCount: this.#problemCount,
    };
  }
}

/** Returns undefined for metadata that is nested too deeply: JSON.parse accepts deeper nesting than JSON.stringify. */
function toJson(metadata: object): string | undefined {
  try {
    return JSON.stringify(metadata);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
