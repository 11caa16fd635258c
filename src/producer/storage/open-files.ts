import { join } from "node:path";
import { type Disk, type DiskFile, toDiskError } from "./disk.ts";

/** Folder inside a run's output folder for the files of an unfinished run. */
export const WORK_FOLDER = ".work";

/**
 * Opens the files of a store in `dir/.work` and makes their names durable. On an error it closes all files and rejects
 * with a RunError that names the folder.
 */
export async function openFiles<T>(
  dir: string,
  disk: Disk,
  use: (open: (name: string) => Promise<DiskFile>, folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(dir, WORK_FOLDER);
  const opened: DiskFile[] = [];
  const open = async (name: string) => {
    const file = await disk.open(join(folder, name));
    opened.push(file);
    return file;
  };
  try {
    const used = await use(open, folder);
    await disk.syncFolder(folder);
    await disk.syncFolder(dir);
    return used;
  } catch (error) {
    await Promise.allSettled(opened.map((file) => file.close()));
    throw toDiskError(error, folder);
  }
}
