import { stat } from "node:fs/promises";
import { basename, extname, join, resolve, sep } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import { expandGlob, getPatternExtension, isGlob } from "./expand-glob.ts";
import { INPUT_PROBLEMS } from "./problems.ts";
import { type SourceFile, type SourceKind, type SourceProblem, UnreadableSourceError } from "./source.ts";
import { describeSystemError, openSource, readAt } from "./source-bytes.ts";
import { findBinaryProblem, formatExtensions, getKindOfPath, looksLikeUtf8, SNIFF_BYTES } from "./source-kind.ts";
import { listFolder } from "./walk-folder.ts";

/** The source options that decide which files are read. */
export interface ListOptions {
  readonly paths: readonly string[];
  readonly cwd: string;
  readonly exclude?: readonly string[];
}

/** Every file to read, in order, without repetitions. */
export interface SourceListing {
  readonly files: readonly SourceFile[];
  /** Files in folders and globs that were left out because their type is not supported or they are not regular files. */
  readonly skippedFiles: number;
  readonly problems: readonly SourceProblem[];
}

/**
 * Finds the files of paths, folders and globs without reading them: in the order of the arguments, and by path within
 * a folder or glob. A file that several arguments name is listed once. A path without files is a problem.
 */
export async function listSources(options: ListOptions): Promise<SourceListing> {
  const lister = new SourceLister(options);
  for (const path of options.paths) await lister.add(path);
  return lister.listing();
}

class SourceLister {
  readonly #cwd: string;
  readonly #excluded: ReadonlySet<string>;
  readonly #files = new Map<string, SourceFile>();
  readonly #problems: SourceProblem[] = [];
  #skippedFiles = 0;

  constructor({ cwd, exclude = [] }: ListOptions) {
    this.#cwd = cwd;
    this.#excluded = new Set(exclude.map((path) => resolve(cwd, path)));
  }

  listing(): SourceListing {
    return {
      files: withUniqueNames([...this.#files.values()]),
      skippedFiles: this.#skippedFiles,
      problems: this.#problems,
    };
  }

  /** Adds the files of one argument; a system error becomes a problem of the argument. */
  async add(path: string): Promise<void> {
    if (path === "-") return this.#addStandardInput();
    const absolute = resolve(this.#cwd, path);
    if (this.#isExcluded(absolute)) return this.#addProblem(path, INPUT_PROBLEMS.inOutputFolder);
    try {
      const stats = await stat(absolute);
      if (stats.isDirectory()) await this.#addFolder(path, absolute);
      else if (stats.isFile()) await this.#addNamedFile(path, absolute);
      else this.#addProblem(path, INPUT_PROBLEMS.notRegular);
    } catch (error) {
      if (error instanceof UnreadableSourceError) return this.#addProblem(path, error.message);
      if (errorCode(error) === "ENOENT" && isGlob(path)) return this.#addGlob(path);
      this.#addProblem(path, describeSystemError(error));
    }
  }

  #addProblem(where: string, message: string): void {
    this.#problems.push({ where, message });
  }

  #addStandardInput(): void {
    if (this.#files.has("-")) this.#addProblem("-", INPUT_PROBLEMS.stdinTwice);
    this.#files.set("-", {
      path: "-",
      displayPath: "stdin",
      name: "stdin",
      kind: "jsonl",
      size: 0,
      mtimeNs: 0n,
    });
  }

  async #addFolder(displayPath: string, absolute: string): Promise<void> {
    const entersNodeModules = absolute.split(sep).includes("node_modules");
    const { files, skipped, unreadable } = await listFolder(absolute, { excluded: this.#excluded, entersNodeModules });
    this.#skippedFiles += skipped;
    for (const { relative, error } of unreadable)
      this.#addProblem(join(displayPath, relative), describeSystemError(error));
    const supported = await this.#addFound(displayPath, absolute, files);
    if (supported > 0 || unreadable.length > 0) return;
    const extensions = formatExtensions();
    if (files.length === 0) this.#addProblem(displayPath, INPUT_PROBLEMS.emptyFolder(extensions));
    else this.#addProblem(displayPath, INPUT_PROBLEMS.noSupportedFile(files.length, extensions));
  }

  async #addGlob(pattern: string): Promise<void> {
    const { base, files, unreadable } = await expandGlob(pattern, this.#cwd);
    for (const { relative, error } of unreadable) this.#addProblem(join(base, relative), describeSystemError(error));
    const supported = await this.#addFound(base, resolve(this.#cwd, base), files, getPatternExtension(pattern));
    if (supported > 0 || unreadable.length > 0) return;
    if (files.length === 0) this.#addProblem(pattern, INPUT_PROBLEMS.noMatch);
    else this.#addProblem(pattern, INPUT_PROBLEMS.noSupportedMatch(files.length));
  }

  /**
   * Adds files found below `base` and returns how many are supported, including those that are already listed. Text
   * files with `extension` are supported whatever it is.
   */
  async #addFound(base: string, absoluteBase: string, files: readonly string[], extension?: string): Promise<number> {
    let supported = 0;
    for (const name of files) {
      const absolute = join(absoluteBase, name);
      if (this.#isExcluded(absolute)) continue;
      const displayPath = base === "." ? name : `${base.replace(/\/+$/, "")}/${name}`;
      const hasExtension = extension !== undefined && name.toLowerCase().endsWith(extension);
      const kind = getKindOfPath(name) ?? (hasExtension ? await sniffKind(absolute) : undefined);
      if (kind === undefined || typeof kind === "object") this.#skippedFiles += 1;
      else {
        supported += 1;
        await this.#addFile(absolute, displayPath, name, kind);
      }
    }
    return supported;
  }

  async #addNamedFile(displayPath: string, absolute: string): Promise<void> {
    const kind = getKindOfPath(absolute) ?? (await sniffKind(absolute));
    if (typeof kind === "object") this.#addProblem(displayPath, kind.problem);
    else await this.#addFile(absolute, displayPath, basename(absolute), kind);
  }

  async #addFile(path: string, displayPath: string, name: string, kind: SourceKind): Promise<void> {
    if (this.#files.has(path)) return;
    try {
      const { size, mtimeNs } = await stat(path, { bigint: true });
      this.#files.set(path, { path, displayPath, name, kind, size: Number(size), mtimeNs });
    } catch (error) {
      this.#addProblem(displayPath, describeSystemError(error));
    }
  }

  #isExcluded(absolute: string): boolean {
    if (this.#excluded.has(absolute)) return true;
    for (const excluded of this.#excluded) if (absolute.startsWith(excluded + sep)) return true;
    return false;
  }
}

/** Returns the kind of a file that was named and has no supported extension, or why it cannot be read. */
async function sniffKind(path: string): Promise<SourceKind | { readonly problem: string }> {
  await using handle = await openSource(path);
  const head = await readAt(handle, 0, SNIFF_BYTES);
  // The generic message lists what is supported; a binary format says nothing more useful.
  const problem = findBinaryProblem(head);
  if (problem !== undefined && !head.includes(0)) return { problem };
  if (problem !== undefined || !looksLikeUtf8(head)) {
    return { problem: INPUT_PROBLEMS.unsupportedFile(formatExtensions()) };
  }
  return extname(path).toLowerCase() === ".json" ? "json" : "text";
}

/**
 * Makes names unique, because ids are derived from them. When two files have the same name ("a/README.md" and
 * "b/README.md", given as two folders), every file is named by its path as typed; the same command always results in
 * the same names.
 */
function withUniqueNames(files: readonly SourceFile[]): readonly SourceFile[] {
  const names = new Set(files.map((file) => file.name));
  if (names.size === files.length) return files;
  return files.map((file) => ({ ...file, name: toPlainPath(file.displayPath) }));
}

function toPlainPath(displayPath: string): string {
  return displayPath.replaceAll(sep, "/").replace(/^(\.\/)+/, "");
}
