import { renameSync, statSync } from "node:fs";

/** Renames a log that is larger than `maxBytes` to ".1", and so deletes the one rotated before. */
export function rotateLog(path: string, maxBytes: number): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > maxBytes) renameSync(path, `${path}.1`);
}
