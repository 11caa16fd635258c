import { constants, copyFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "#src/core/errors.ts";
import { type Disk, diskError, systemDisk } from "./disk.ts";

/**
 * Gives a file that has a second name a copy of its own in its place, so that writing into it changes nothing under
 * the other name; one with a single name, and one that is not there, stay as they are. After a crash at any moment
 * the file is whole. Needs as much room as the file, except where the file system shares blocks. Rejects with a
 * RunError when the disk refuses.
 */
export async function breakHardLink(path: string, disk: Disk = systemDisk): Promise<void> {
  const copy = `${path}.copy`;
  try {
    const names = await stat(path).then(
      ({ nlink }) => nlink,
      (error) => {
        if (errorCode(error) === "ENOENT") return 0;
        throw error;
      },
    );
    if (names < 2) return;
    await copyFile(path, copy, constants.COPYFILE_FICLONE);
    const file = await disk.open(copy);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(copy, path);
    await disk.syncFolder(dirname(path));
  } catch (error) {
    await rm(copy, { force: true }).catch(() => undefined);
    throw diskError(error, dirname(path));
  }
}
