import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { HttpError } from "#src/dashboard/http/http-error.ts";
import { ERRORS, FOLDER_MESSAGES } from "#src/dashboard/messages.ts";
import { isBatch, type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { getRunDatabasePath } from "#src/producer/storage/run-database.ts";
import type { RunInfo } from "./run-cache.ts";

/** A run's folder on this machine, read from disk. */
export interface RunFolder {
  readonly dir: string;
  readonly manifest: RunManifest;
  /** False once a run has finished without failures, unless it keeps its database. */
  readonly hasDatabase: boolean;
}

/** Why a run's folder cannot be read. */
export interface FolderRefusal {
  readonly reason: "folder-on-other-host" | "folder-missing";
  readonly message: string;
}

export type FolderLookup =
  | { readonly isReadable: true; readonly folder: RunFolder }
  | { readonly isReadable: false; readonly refusal: FolderRefusal };

/**
 * The folder that Redis names for a run, if it is on this machine and really belongs to that run. The path comes from
 * Redis only, never from a request; a folder whose run.json names another run is refused.
 */
export async function locateRunFolder({ run, dir, host, published }: RunInfo): Promise<FolderLookup> {
  const refuse = (message: string, reason: FolderRefusal["reason"] = "folder-missing") =>
    ({ isReadable: false, refusal: { reason, message } }) as const;
  if (dir === undefined || host === undefined) {
    return refuse(published ? FOLDER_MESSAGES.forgotten : FOLDER_MESSAGES.notStarted);
  }
  if (host !== hostname()) return refuse(FOLDER_MESSAGES.otherHost(host, dir), "folder-on-other-host");
  if (!isAbsolute(dir) || resolve(dir) !== dir) return refuse(FOLDER_MESSAGES.unusablePath);
  const manifest = await readManifest(dir).catch(() => undefined);
  if (!manifest) return refuse(FOLDER_MESSAGES.noRun(dir));
  if (manifest.run !== run) return refuse(FOLDER_MESSAGES.otherRun(dir));
  return { isReadable: true, folder: { dir, manifest, hasDatabase: existsSync(getRunDatabasePath(dir)) } };
}

/** Throws an HttpError that says where the folder is if it cannot be read. */
export async function requireRunFolder(known: RunInfo): Promise<RunFolder> {
  const found = await locateRunFolder(known);
  if (found.isReadable) return found.folder;
  throw new HttpError(ERRORS.folderUnavailable(found.refusal.reason, found.refusal.message));
}

/** Whether the run's vectors can be searched: a finished embedding run that did not come from a batch file. */
export function isSearchable({ manifest }: RunFolder): boolean {
  return manifest.state === "finished" && manifest.kind === "embedding" && !isBatch(manifest);
}
