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
import { HashIndex, hashText, type IdHash } from "./hash-index.ts";
import type { ItemsFileWriter } from "./items-file-writer.ts";
import type { KindCount, Plan, PlanProgress } from "./plan.ts";
import type { PlannedItem } from "./planned-item.ts";
import { splitIntoItems, truncateId } from "./split-document.ts";

/** Problems kept in words; the rest are only counted, so that a bad file of any size fits in memory. */
const KEPT_PROBLEMS = 1000;

export type PlanOptions = SourceOptions & {
  /** What `limit` counts. Default: items. */
  readonly limitUnit?: "items" | "documents";
  /** Items with the same key ask for the same and are sent once; without a key, an item is like no other. */
  readonly duplicateKey?: (item: PlannedItem) => string | undefined;
};

/** Puts items into the spool, refuses duplicate ids, and keeps every count that the plan states. */
export class PlanBuilder {
  readonly #options: PlanOptions;
  readonly #itemsFile: ItemsFileWriter;
  readonly #listing: SourceListing;
  readonly #ids = new HashIndex();
  /** What items ask for; only those that are no copies. */
  readonly #distinctItems = new HashIndex(hashText);
  readonly #duplicates = new DuplicatesBuilder();
  readonly #hash = createHash("sha256");
  /** Of standard input alone, which a resumed run compares. */
  readonly #stdinHash = createHash("sha256");
  #stdinBytes: number | undefined;
  #isStdin = false;
  readonly #problems: SourceProblem[] = [];
  #problemCount = 0;
  readonly #byKind: Partial<Record<SourceKind, KindCount>> = {};
  /** For each file read: the number of its first item. Says which file an item is from. */
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
    for (const problem of listing.problems) this.addProblem(problem);
  }

  get hasProblems(): boolean {
    return this.#problemCount > 0;
  }

  /** True when the plan holds as many items as it may; the parts of one request are never torn apart. */
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

  /** Plans what a reader found; yields after each item, so that the caller can report and stop in between. */
  async *addFinding(finding: Finding, file: SourceFile): AsyncGenerator<void> {
    if ("problem" in finding) {
      this.addProblem(finding.problem);
      return;
    }
    const { document } = finding;
    const where = formatLocation(file.displayPath, document.line);
    const before = this.#itemsFile.items;
    for await (const planned of splitIntoItems(document, file.kind, this.#options)) {
      const fault = "fault" in planned ? planned.fault : await this.#addItem(planned.item, document);
      if (fault !== undefined) {
        this.addProblem({ where, message: fault });
        break;
      }
      yield;
      if (this.isFull) break;
    }
    if (this.#itemsFile.items > before) this.#documents += 1;
  }

  /** Appends an item unless its id is taken or it cannot be written; then says why. */
  async #addItem(item: PlannedItem, document: SourceDocument): Promise<string | undefined> {
    const taken = await this.#findIdConflict(item, document);
    if (taken !== undefined) return taken;
    const duplicate = this.#findDuplicate(item);
    const duplicateOf = typeof duplicate === "object" ? await duplicate : duplicate;
    const json = toJson(duplicateOf === undefined ? item : { ...item, duplicateOf });
    if (json === undefined) return "its metadata is nested too deeply to be written";
    // A record in several chunks keeps its own id from being used by another record as well.
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
        // The hash only said where to look; a record in chunks is remembered by its first one.
        if (other.id !== id && other.id !== `${id}#0`) continue;
        const place = formatLocation(this.#fileOf(candidate)?.displayPath ?? "?", other.line);
        return `the id ${truncateId(id)} is already used by ${place}; every item needs its own`;
      }
    }
    return undefined;
  }

  /** The number of the first item that asks for the same; remembers the item as such when there is none. */
  #findDuplicate(item: PlannedItem): number | undefined | Promise<number | undefined> {
    const key = this.#options.duplicateKey?.(item);
    if (key === undefined) return undefined;
    const hash = this.#distinctItems.hash(key);
    const candidates = this.#distinctItems.candidates(key, hash);
    if (candidates.length > 0) return this.#findDuplicateAmong(candidates, key, hash);
    this.#distinctItems.add(key, this.#itemsFile.items, hash);
    return undefined;
  }

  async #findDuplicateAmong(candidates: readonly number[], key: string, hash: IdHash): Promise<number | undefined> {
    for (const candidate of candidates) {
      if (this.#options.duplicateKey?.(await this.#itemsFile.read(candidate)) === key) return candidate;
    }
    this.#distinctItems.add(key, this.#itemsFile.items, hash);
    return undefined;
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

  /** Makes the spool appear, with the list of its copies. */
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
      sourceHash: this.#hash.copy().digest("hex"),
      ...(this.#stdinBytes !== undefined && {
        stdin: { bytes: this.#stdinBytes, sha256: this.#stdinHash.copy().digest("hex") },
      }),
      fingerprint,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }
}

/** JSON parsed from a line can be nested more deeply than it can be written again. */
function toJson(item: PlannedItem): string | undefined {
  try {
    return JSON.stringify(item);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
