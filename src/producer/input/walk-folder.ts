import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** The files of a folder: paths relative to it, with "/", in code unit order. */
export interface FolderListing {
  readonly files: readonly string[];
  /** Number of broken links, links to a folder that is listed anyway, and entries that are neither files nor folders. */
  readonly skipped: number;
  /** Folders that could not be listed. They are reported, because a partly missing corpus would look like success. */
  readonly unreadable: readonly { readonly relative: string; readonly error: unknown }[];
}

export interface WalkOptions {
  /** Absolute paths that are not entered or listed. */
  readonly excluded: ReadonlySet<string>;
  /** Whether folders named node_modules are entered. */
  readonly entersNodeModules: boolean;
  /** Whether names that start with a dot are included. */
  readonly includesDotNames?: boolean;
}

/**
 * Lists every file below a folder. Names that start with a dot are left out by default; symbolic links are followed, and
 * every folder is listed once, under its shortest chain of links, so that folders that link to each other end. Rejects with the system error only when the folder itself does not exist.
 */
export async function listFolder(root: string, options: WalkOptions): Promise<FolderListing> {
  const walk = new FolderWalk(options);
  await walk.start(root);
  return { files: walk.files.sort(), skipped: walk.skipped, unreadable: walk.unreadable };
}

interface Folder {
  readonly path: string;
  readonly relative: string;
  readonly realPath: string;
}

class FolderWalk {
  readonly files: string[] = [];
  readonly unreadable: { relative: string; error: unknown }[] = [];
  skipped = 0;
  readonly #options: WalkOptions;
  /** Links to folders. They are followed after all folders that are reached without them. */
  #links: Folder[] = [];
  readonly #visited = new Set<string>();

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async start(root: string): Promise<void> {
    await this.#walk({ path: root, relative: "", realPath: await realpath(root) });
    while (this.#links.length > 0) {
      // In code unit order, so that the same files get the same names every time.
      const links = this.#links.sort((a, b) => (a.relative < b.relative ? -1 : 1));
      this.#links = [];
      for (const link of links) await this.#walk(link);
    }
  }

  async #walk(start: Folder): Promise<void> {
    const pending = [start];
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      if (this.#visited.has(folder.realPath)) {
        this.skipped += 1;
        continue;
      }
      this.#visited.add(folder.realPath);
      try {
        for await (const entry of await opendir(folder.path)) await this.#addEntry(entry, folder, pending);
      } catch (error) {
        this.unreadable.push({ relative: folder.relative, error });
      }
    }
  }

  async #addEntry(entry: Dirent, folder: Folder, pending: Folder[]): Promise<void> {
    if (entry.name.startsWith(".") && !this.#options.includesDotNames) return;
    const path = join(folder.path, entry.name);
    if (this.#options.excluded.has(path)) return;
    const relative = folder.relative === "" ? entry.name : `${folder.relative}/${entry.name}`;
    const isLink = entry.isSymbolicLink();
    const type = isLink ? await getTargetType(path) : getType(entry);
    if (type === "file") this.files.push(relative);
    else if (type === "other") this.skipped += 1;
    else if (entry.name !== "node_modules" || this.#options.entersNodeModules) {
      if (isLink) this.#links.push({ path, relative, realPath: await realpath(path) });
      else pending.push({ path, relative, realPath: join(folder.realPath, entry.name) });
    }
  }
}

type EntryType = "file" | "folder" | "other";

function getType(entry: { isFile(): boolean; isDirectory(): boolean }): EntryType {
  if (entry.isFile()) return "file";
  return entry.isDirectory() ? "folder" : "other";
}

async function getTargetType(path: string): Promise<EntryType> {
  try {
    return getType(await stat(path));
  } catch {
    return "other";
  }
}
