import { access } from "node:fs/promises";
import { hostname } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ITEMS_FILE } from "#src/producer/plan/items-file-writer.ts";
import { isBatch, type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import type { RunInfo } from "./run-cache.ts";

/** A run's folder on this machine, read from disk. */
export interface RunFolder {
  readonly dir: string;
  readonly manifest: RunManifest;
  /** Its plan's items; undefined once the run has ended well and its working folder is gone. */
  readonly itemsFile: string | undefined;
}

export type FolderLookup =
  | { readonly isReadable: true; readonly folder: RunFolder }
  | {
      readonly isReadable: false;
      readonly reason: string;
      readonly code: "folder-on-other-host" | "folder-missing";
    };

/**
 * The folder that Redis names for a run, if it is on this machine and really that run's. Paths come from there alone,
 * never from a request; a folder whose run.json names another run is refused.
 */
export async function findRunFolder({ run, dir, host, published }: RunInfo): Promise<FolderLookup> {
  const missing = (reason: string, code: "folder-on-other-host" | "folder-missing" = "folder-missing") =>
    ({ isReadable: false, reason, code }) as const;
  if (dir === undefined || host === undefined) {
    return missing(published ? "Redis no longer knows where this run's folder is." : "This run has not begun yet.");
  }
  if (host !== hostname()) {
    const reason = `The run's folder is on ${host}: ${dir}. A dashboard started there can read it.`;
    return missing(reason, "folder-on-other-host");
  }
  if (!isAbsolute(dir) || resolve(dir) !== dir) return missing("Redis names no usable folder for this run.");
  const manifest = await readManifest(dir).catch(() => undefined);
  if (!manifest) return missing(`There is no readable run in ${dir} any more.`);
  if (manifest.run !== run) return missing(`${dir} holds another run by now.`);
  const itemsFile = join(dir, WORK_FOLDER, ITEMS_FILE);
  const hasItemsFile = await access(itemsFile).then(
    () => true,
    () => false,
  );
  return { isReadable: true, folder: { dir, manifest, itemsFile: hasItemsFile ? itemsFile : undefined } };
}

/** Throws an HttpError that says where the folder is when it is not at hand. */
export async function requireRunFolder(known: RunInfo): Promise<RunFolder> {
  const found = await findRunFolder(known);
  if (found.isReadable) return found.folder;
  throw new HttpError("folder-on-other-host", found.reason, { reason: found.code });
}

/** Whether its vectors can be searched: a finished run that wrote records with vectors. */
export function isSearchable({ manifest }: RunFolder): boolean {
  return manifest.state === "finished" && manifest.kind === "embedding" && !isBatch(manifest);
}
