import { stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { expandGlob, isGlob, literalExtension } from "./expand-glob.ts";
import { type SourceFile, type SourceKind, type SourceProblem, UnreadableSourceError } from "./source.ts";
import { describeSystemError, openSource, readAt } from "./source-bytes.ts";
import { kindOfPath, looksLikeText, readableExtensions, SNIFF_BYTES } from "./source-kind.ts";
import { listFolder } from "./walk-folder.ts";

/** The part of the source options that decides which files are read. */
export interface ListOptions {
  readonly paths: readonly string[];
  readonly cwd: string;
  readonly exclude?: readonly string[];
}

/** Every file that will be read, in order, each once. */
export interface SourceListing {
  readonly files: readonly SourceFile[];
  /** Files of folders and globs left out because we do not read their extension or they are no ordinary files. */
  readonly skippedFiles: number;
  readonly problems: readonly SourceProblem[];
}

/**
 * Finds the files that paths, folders and globs mean, without reading them: in the order of the arguments, within a
 * folder or glob by path. A file meant twice is listed once. A path that means nothing is a problem.
 */
export async function listSources(options: ListOptions): Promise<SourceListing> {
  const lister = new Lister(options);
  for (const path of options.paths) await lister.add(path);
  return lister.listing();
}

class Lister {
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

  /** Adds what one argument means; what the system refuses is a problem of that argument. */
  async add(path: string): Promise<void> {
    if (path === "-") return this.#addStandardInput();
    const absolute = resolve(this.#cwd, path);
    if (this.#isExcluded(absolute)) return this.#problem(path, "is the output folder, or in it");
    try {
      const found = await stat(absolute, { bigint: true });
      if (found.isDirectory()) await this.#addFolder(path, absolute);
      else if (found.isFile()) await this.#addNamedFile(path, absolute);
      else this.#problem(path, "is neither a file nor a folder; to read from a pipe, give - and JSONL");
    } catch (error) {
      if (error instanceof UnreadableSourceError) return this.#problem(path, error.message);
      const message = describeSystemError(error);
      if (message.startsWith("no such") && isGlob(path)) return this.#addGlob(path);
      this.#problem(path, message);
    }
  }

  #problem(where: string, message: string): void {
    this.#problems.push({ where, message });
  }

  #addStandardInput(): void {
    if (this.#files.has("-")) this.#problem("-", "standard input can be read only once");
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
    const nodeModules = absolute.split(sep).includes("node_modules");
    const { files, skipped, unreadable } = await listFolder(absolute, {
      excluded: this.#excluded,
      nodeModules,
    });
    this.#skippedFiles += skipped;
    for (const { relative, error } of unreadable)
      this.#problem(join(displayPath, relative), describeSystemError(error));
    const read = await this.#addFound(displayPath, absolute, files);
    if (read > 0 || unreadable.length > 0) return;
    const others = files.length === 0 ? "is empty" : `has no file of a kind that is read (${files.length} others)`;
    this.#problem(displayPath, `${others}; read are ${readableExtensions()}`);
  }

  async #addGlob(pattern: string): Promise<void> {
    const { base, files } = await expandGlob(pattern, this.#cwd);
    const extension = literalExtension(pattern);
    const read = await this.#addFound(base, resolve(this.#cwd, base), files, extension);
    if (read > 0) return;
    const others =
      files.length === 0 ? "matches no file" : `matches ${files.length} files, none of a kind that is read`;
    this.#problem(pattern, others);
  }

  /** Adds files found below `base`; returns how many are of a kind that is read, listed before or not. */
  async #addFound(base: string, absoluteBase: string, files: readonly string[], named?: string): Promise<number> {
    let read = 0;
    for (const name of files) {
      const absolute = join(absoluteBase, name);
      if (this.#isExcluded(absolute)) continue;
      const displayPath = base === "." ? name : `${base.replace(/\/+$/, "")}/${name}`;
      const isNamed = named !== undefined && name.toLowerCase().endsWith(named);
      const kind = kindOfPath(name) ?? (isNamed ? await sniff(absolute) : undefined);
      if (kind === undefined) this.#skippedFiles += 1;
      else {
        read += 1;
        await this.#addFile(absolute, displayPath, name, kind);
      }
    }
    return read;
  }

  async #addNamedFile(displayPath: string, absolute: string): Promise<void> {
    const kind = kindOfPath(absolute) ?? (await sniff(absolute));
    if (kind !== undefined) return this.#addFile(absolute, displayPath, basename(absolute), kind);
    this.#problem(displayPath, `is neither text nor of a kind that is read (${readableExtensions()})`);
  }

  async #addFile(path: string, displayPath: string, name: string, kind: SourceKind): Promise<void> {
    if (this.#files.has(path)) return;
    try {
      const { size, mtimeNs } = await stat(path, { bigint: true });
      this.#files.set(path, { path, displayPath, name, kind, size: Number(size), mtimeNs });
    } catch (error) {
      this.#problem(displayPath, describeSystemError(error));
    }
  }

  #isExcluded(absolute: string): boolean {
    if (this.#excluded.has(absolute)) return true;
    for (const excluded of this.#excluded) if (absolute.startsWith(excluded + sep)) return true;
    return false;
  }
}

/** Text when the first bytes of a file of unknown extension are UTF-8, else undefined. */
async function sniff(path: string): Promise<SourceKind | undefined> {
  await using handle = await openSource({
    path,
    displayPath: path,
    name: path,
    kind: "text",
    size: 0,
    mtimeNs: 0n,
  });
  return looksLikeText(await readAt(handle, 0, SNIFF_BYTES)) ? "text" : undefined;
}

/**
 * Ids are made of names, so two files must not share one. When two would ("a/README.md" and "b/README.md", given as
 * two folders), every file is called by its path as typed; the same command always gives the same names.
 */
function withUniqueNames(files: readonly SourceFile[]): readonly SourceFile[] {
  const names = new Set(files.map((file) => file.name));
  if (names.size === files.length) return files;
  return files.map((file) => ({ ...file, name: plainPath(file.displayPath) }));
}

function plainPath(displayPath: string): string {
  return displayPath.replaceAll(sep, "/").replace(/^(\.\/)+/, "");
}
