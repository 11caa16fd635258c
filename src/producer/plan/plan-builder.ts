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
import { DuplicatesBuilder } from "./duplicates.ts";
import { HashIndex } from "./hash-index.ts";
import type { ItemsFileWriter } from "./items-file-writer.ts";
import type { KindCount, Plan, PlanProgress } from "./plan.ts";
import type { PlannedItem } from "./planned-item.ts";
import { DocumentSplitter, truncateId } from "./split-document.ts";
import { TextIndex } from "./text-index.ts";

/** Problems that are kept; the others are only counted, so that memory stays bounded for invalid files of any size. */
const KEPT_PROBLEMS = 1000;

export type PlanOptions = SourceOptions & {
  /** Unit of `limit`. Default: items. */
  readonly limitUnit?: "items" | "documents";
  /** Items with the same key are sent only once; an item without a key is never a duplicate. */
  readonly duplicateKey?: (item: PlannedItem) => string | undefined;
};

/** Writes items to the items file, rejects duplicate ids, and keeps all counts of the plan. */
export class PlanBuilder {
  readonly #options: PlanOptions;
  readonly #itemsFile: ItemsFileWriter;
  readonly #listing: SourceListing;
  readonly #splitter: DocumentSplitter;
  readonly #ids = new HashIndex();
  /** Items by their `duplicateKey`, without duplicates. */
  readonly #distinctItems = new TextIndex();
  readonly #duplicates = new DuplicatesBuilder();
  readonly #hash = createHash("sha256");
  /** Hash of standard input alone, for `StdinDigest`. */
  readonly #stdinHash = createHash("sha256");
  #stdinBytes: number | undefined;
  #isStdin = false;
  readonly #problems: SourceProblem[] = [];
  #problemCount = 0;
  readonly #byKind: Partial<Record<SourceKind, KindCount>> = {};
  /** The index of the first item of each file, to find the file of an item. */
  readonly #starts: { readonly firstItem: number; readonly file: SourceFile }[] = [];
  #documents = 0;
  #tokens = 0;
  #duplicateTokens = 0;
  #bytes = 0;
  #filesDone = 0;

  constructor(options: PlanOptions, itemsFile: ItemsFileWriter, listing: SourceListing) {
    this.#options = options;
    this.#itemsFile = itemsFile;
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
    return limit !== undefined && (limitUnit === "items" ? this.#itemsFile.items : this.#documents) >= limit;
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
    this.#starts.push({ firstItem: this.#itemsFile.items, file });
    this.#isStdin = file.path === "-";
    this.#hash.update(`${JSON.stringify([file.name, file.size])}\n`);
  }

  endFile(): void {
    this.#filesDone += 1;
    const start = this.#starts.at(-1);
    if (start === undefined) return;
    const count = this.#byKind[start.file.kind] ?? { files: 0, items: 0 };
    const items = count.items + this.#itemsFile.items - start.firstItem;
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
    const { document } = finding;
    const where = formatLocation(file.displayPath, document.line);
    const before = this.#itemsFile.items;
    for await (const planned of this.#splitter.split(document, file.kind)) {
      const message = "error" in planned ? planned.error : await this.#addItem(planned.item, document);
      if (message !== undefined) {
        this.addProblem({ where, message });
        break;
      }
      yield;
      if (this.isFull) break;
    }
    if (this.#itemsFile.items > before) this.#documents += 1;
  }

  /** Appends an item, or returns the reason why it cannot be added. */
  async #addItem(item: PlannedItem, document: SourceDocument): Promise<string | undefined> {
    const conflict = await this.#findIdConflict(item, document);
    if (conflict !== undefined) return conflict;
    const duplicateOf = this.#findDuplicate(item);
    const json = toJson(duplicateOf === undefined ? item : { ...item, duplicateOf });
    if (json === undefined) return "its metadata is nested too deeply";
    // Reserves the id of a record in several chunks, so that no other record can use it.
    if (document.record && item.id === `${document.id}#0`) this.#ids.add(document.id, this.#itemsFile.items);
    this.#ids.add(item.id, this.#itemsFile.items);
    this.#tokens += item.tokens;
    if (duplicateOf !== undefined) {
      this.#duplicates.add(this.#itemsFile.items, duplicateOf);
      this.#duplicateTokens += item.tokens;
    }
    if (this.#itemsFile.append(json)) await this.#itemsFile.flush();
    return undefined;
  }

  async #findIdConflict(item: PlannedItem, document: SourceDocument): Promise<string | undefined> {
    const ids = document.record && item.id === `${document.id}#0` ? [item.id, document.id] : [item.id];
    for (const id of ids) {
      for (const candidate of this.#ids.candidates(id)) {
        const other = await this.#itemsFile.read(candidate);
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
    return key === undefined ? undefined : this.#distinctItems.findOrAdd(key, this.#itemsFile.items);
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
      items: this.#itemsFile.items,
      problems: this.#problemCount,
    };
  }

  /** Publishes the items file with its duplicates. */
  async commit(): Promise<void> {
    await this.#itemsFile.commit(this.#duplicates.build());
  }

  plan(itemsFile: string | undefined, fingerprint: string): Plan {
    return {
      itemsFile,
      items: this.#itemsFile.items,
      documents: this.#documents,
      files: this.#filesDone,
      skippedFiles: this.#listing.skippedFiles,
      tokens: this.#tokens,
      duplicates: this.#duplicates.count,
      duplicateTokens: this.#duplicateTokens,
      bytes: this.#bytes,
      byKind: this.#byKind,
      sourceHash: this.#hash.digest("hex"),
      stdin:
        this.#stdinBytes === undefined ? undefined : { bytes: this.#stdinBytes, sha256: this.#stdinHash.digest("hex") },
      fingerprint,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }
}

/** Returns undefined for metadata that is nested too deeply: JSON.parse accepts deeper nesting than JSON.stringify. */
function toJson(item: PlannedItem): string | undefined {
  try {
    return JSON.stringify(item);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
