import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** What a folder holds: paths relative to it, with "/", in the order of their characters' codes. */
export interface FolderListing {
  readonly files: readonly string[];
  /** Links that lead nowhere or back to a folder above, and what is neither file nor folder. */
  readonly skipped: number;
  /** Folders that could not be listed: a part of a corpus that is silently missing would look like success. */
  readonly unreadable: readonly { readonly relative: string; readonly error: unknown }[];
}

export interface WalkOptions {
  /** Absolute paths that are not entered or listed. */
  readonly excluded: ReadonlySet<string>;
  /** Enter folders called node_modules. */
  readonly nodeModules: boolean;
}

/**
 * Lists every file below a folder. Names that start with a dot are left out, symbolic links are followed unless
 * they lead back up. Rejects with the system's error only when the folder itself cannot be found.
 */
export async function listFolder(root: string, options: WalkOptions): Promise<FolderListing> {
  const walk = new FolderWalk(options);
  await walk.from(root);
  return { files: walk.files.sort(compareCodeUnits), skipped: walk.skipped, unreadable: walk.unreadable };
}

interface FolderEntry {
  readonly folder: string;
  readonly relative: string;
  /** Real paths of this folder and all above it, to tell a link that leads back up. */
  readonly above: readonly string[];
}

class FolderWalk {
  readonly files: string[] = [];
  readonly unreadable: { relative: string; error: unknown }[] = [];
  skipped = 0;
  readonly #options: WalkOptions;
  readonly #waiting: FolderEntry[] = [];

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async from(root: string): Promise<void> {
    this.#waiting.push({ folder: root, relative: "", above: [await realpath(root)] });
    for (let place = this.#waiting.pop(); place !== undefined; place = this.#waiting.pop()) {
      try {
        for await (const found of await opendir(place.folder)) await this.#addEntry(found, place);
      } catch (error) {
        this.unreadable.push({ relative: place.relative, error });
      }
    }
  }

  async #addEntry(found: Dirent, { folder, relative: above, above: realAbove }: FolderEntry): Promise<void> {
    if (found.name.startsWith(".")) return;
    const path = join(folder, found.name);
    if (this.#options.excluded.has(path)) return;
    const relative = above === "" ? found.name : `${above}/${found.name}`;
    const isLink = found.isSymbolicLink();
    const type = isLink ? await typeOfTarget(path) : typeOf(found);
    if (type === "file") this.files.push(relative);
    else if (type === "other") this.skipped += 1;
    else if (found.name !== "node_modules" || this.#options.nodeModules) {
      const real = isLink ? await realpath(path) : join(realAbove.at(-1) ?? "", found.name);
      if (realAbove.includes(real)) this.skipped += 1;
      else this.#waiting.push({ folder: path, relative, above: [...realAbove, real] });
    }
  }
}

/** The same order on every machine, whatever its locale. */
export function compareCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

type FileType = "file" | "folder" | "other";

function typeOf(found: { isFile(): boolean; isDirectory(): boolean }): FileType {
  if (found.isFile()) return "file";
  return found.isDirectory() ? "folder" : "other";
}

async function typeOfTarget(path: string): Promise<FileType> {
  try {
    return typeOf(await stat(path));
  } catch {
    return "other";
  }
}
