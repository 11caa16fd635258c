import { renameSync, statSync } from "node:fs";

/** Begins a log anew when it is larger than `maxBytes`: the old one stays beside it as ".1", and the one before goes. */
export function rotateLog(path: string, maxBytes: number): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > maxBytes) renameSync(path, `${path}.1`);
}
