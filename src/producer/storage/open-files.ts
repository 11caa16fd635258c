import { join } from "node:path";
import { type Disk, type DiskFile, diskError } from "./disk.ts";

/** The folder inside a run's output folder that holds what is not finished yet. */
export const WORK_FOLDER = ".work";

/**
 * Opens the files of a store in `dir/.work` and makes their names durable. When anything fails on the way, all files
 * opened so far are closed again and the error says which folder it was about.
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
    throw diskError(error, folder);
  }
}
