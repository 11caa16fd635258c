import { constants, copyFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import { type Disk, systemDisk, toDiskError } from "#src/producer/storage/disk.ts";

/**
 * Replaces a file that has several hard links by a copy, so that writing to it does not change the other links. A file
 * with one link and a missing file are left unchanged. The file is complete after a crash at any time. Needs as much
 * space as the file, unless the file system shares blocks. Rejects with a RunError when a disk operation fails.
 */
export async function breakHardLink(path: string, disk: Disk = systemDisk): Promise<void> {
  const copy = `${path}.copy`;
  try {
    const links = await stat(path).then(
      ({ nlink }) => nlink,
      (error) => {
        if (errorCode(error) === "ENOENT") return 0;
        throw error;
      },
    );
    if (links < 2) return;
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
    throw toDiskError(error, dirname(path));
  }
}
