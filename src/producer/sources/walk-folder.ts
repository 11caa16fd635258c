import { opendir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** What a folder holds: paths relative to it, with "/", in the order of their characters' codes. */
export interface FolderListing {
  readonly files: readonly string[];
  /** Links that lead nowhere or back to a folder above, and what is neither file nor folder. */
  readonly skipped: number;
}

export interface WalkOptions {
  /** Absolute paths that are not entered or listed. */
  readonly excluded: ReadonlySet<string>;
  /** Enter folders called node_modules. */
  readonly nodeModules: boolean;
}

/**
 * Lists every file below a folder. Names that start with a dot are left out, symbolic links are followed unless
 * they lead back up. Rejects with the system's error when a folder cannot be read: a part of a corpus that is
 * silently missing would look like success.
 */
export async function walkFolder(root: string, options: WalkOptions): Promise<FolderListing> {
  const files: string[] = [];
  let skipped = 0;
  const waiting = [{ folder: root, relative: "", above: [await realpath(root)] }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for await (const found of await opendir(next.folder)) {
      if (found.name.startsWith(".")) continue;
      const path = join(next.folder, found.name);
      if (options.excluded.has(path)) continue;
      const relative = next.relative === "" ? found.name : `${next.relative}/${found.name}`;
      const type = found.isSymbolicLink() ? await typeOfTarget(path) : typeOf(found);
      if (type === "file") files.push(relative);
      else if (type === "folder") {
        if (found.name === "node_modules" && !options.nodeModules) continue;
        const real = found.isSymbolicLink()
          ? await realpath(path)
          : join(next.above.at(-1) ?? "", found.name);
        if (next.above.includes(real)) skipped += 1;
        else waiting.push({ folder: path, relative, above: [...next.above, real] });
      } else skipped += 1;
    }
  }
  return { files: files.sort(compareCodes), skipped };
}

/** The same order on every machine, whatever its locale. */
export function compareCodes(a: string, b: string): number {
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
