import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** The files of a folder: paths relative to it, with "/", in code unit order. */
export interface FolderListing {
  readonly files: readonly string[];
  /** Number of broken links, links to a parent folder, and entries that are neither files nor folders. */
  readonly skipped: number;
  /** Folders that could not be listed. They are reported, because a partly missing corpus would look like success. */
  readonly unreadable: readonly { readonly relative: string; readonly error: unknown }[];
}

export interface WalkOptions {
  /** Absolute paths that are not entered or listed. */
  readonly excluded: ReadonlySet<string>;
  /** Whether folders named node_modules are entered. */
  readonly entersNodeModules: boolean;
}

/**
 * Lists every file below a folder. Names that start with a dot are left out; symbolic links are followed unless they
 * lead to a parent folder. Rejects with the system error only when the folder itself does not exist.
 */
export async function listFolder(root: string, options: WalkOptions): Promise<FolderListing> {
  const walk = new FolderWalk(options);
  await walk.start(root);
  return { files: walk.files.sort(), skipped: walk.skipped, unreadable: walk.unreadable };
}

interface Folder {
  readonly path: string;
  readonly relative: string;
  /** Real paths of this folder and all its parents, to detect links to a parent. */
  readonly realPaths: readonly string[];
}

class FolderWalk {
  readonly files: string[] = [];
  readonly unreadable: { relative: string; error: unknown }[] = [];
  skipped = 0;
  readonly #options: WalkOptions;
  readonly #pending: Folder[] = [];

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async start(root: string): Promise<void> {
    this.#pending.push({ path: root, relative: "", realPaths: [await realpath(root)] });
    for (let folder = this.#pending.pop(); folder !== undefined; folder = this.#pending.pop()) {
      try {
        for await (const entry of await opendir(folder.path)) await this.#addEntry(entry, folder);
      } catch (error) {
        this.unreadable.push({ relative: folder.relative, error });
      }
    }
  }

  async #addEntry(entry: Dirent, folder: Folder): Promise<void> {
    if (entry.name.startsWith(".")) return;
    const path = join(folder.path, entry.name);
    if (this.#options.excluded.has(path)) return;
    const relative = folder.relative === "" ? entry.name : `${folder.relative}/${entry.name}`;
    const isLink = entry.isSymbolicLink();
    const type = isLink ? await getTargetType(path) : getType(entry);
    if (type === "file") this.files.push(relative);
    else if (type === "other") this.skipped += 1;
    else if (entry.name !== "node_modules" || this.#options.entersNodeModules) {
      const realPath = isLink ? await realpath(path) : join(folder.realPaths.at(-1) ?? "", entry.name);
      if (folder.realPaths.includes(realPath)) this.skipped += 1;
      else this.#pending.push({ path, relative, realPaths: [...folder.realPaths, realPath] });
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
