import { randomBytes } from "node:crypto";
import { constants, copyFile, link, open, rename } from "node:fs/promises";
import { errorCode } from "#src/core/failures/errors.ts";

const NO_HARD_LINK_ERRORS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"];

/** Links a file to another path, or copies it where the file system has no hard links. */
export async function linkOrCopy(
  from: string,
  to: string,
  { replaces }: { readonly replaces: boolean },
): Promise<void> {
  // Concurrent requests with the same idempotency key link to the same path.
  const target = replaces ? `${to}.${randomBytes(6).toString("hex")}.tmp` : to;
  try {
    await link(from, target);
  } catch (error) {
    if (!replaces && errorCode(error) === "EEXIST") return;
    if (!NO_HARD_LINK_ERRORS.includes(errorCode(error) ?? "")) throw error;
    await copyDurably(from, target, replaces);
  }
  if (replaces) await rename(target, to);
}

async function copyDurably(from: string, to: string, replaces: boolean): Promise<void> {
  try {
    await copyFile(from, to, replaces ? 0 : constants.COPYFILE_EXCL);
  } catch (error) {
    if (!replaces && errorCode(error) === "EEXIST") return;
    throw error;
  }
  const handle = await open(to, "r+");
  await handle.sync().finally(() => handle.close());
}
