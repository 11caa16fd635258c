import { access } from "node:fs/promises";
import { hostname } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { SPOOL_FILE } from "../../producer/plan/spool-writer.ts";
import { isBatch, type RunManifest, readManifest } from "../../producer/run/run-manifest.ts";
import { WORK_FOLDER } from "../../producer/sink/open-files.ts";
import { HttpError } from "../http-error.ts";
import type { KnownRun } from "./run-book.ts";

/** A run's folder on this machine, read from disk. */
export interface RunFolder {
  readonly dir: string;
  readonly manifest: RunManifest;
  /** Its plan's items; undefined once the run has ended well and its working folder is gone. */
  readonly spool: string | undefined;
}

export type FoundFolder =
  | { readonly here: true; readonly folder: RunFolder }
  | {
      readonly here: false;
      readonly reason: string;
      readonly code: "folder-elsewhere" | "folder-gone";
    };

/**
 * The folder that Redis names for a run, if it is on this machine and really that run's. Paths come from there alone,
 * never from a request; a folder whose run.json names another run is refused.
 */
export async function findRunFolder({ run, dir, host, published }: KnownRun): Promise<FoundFolder> {
  const missing = (reason: string, code: "folder-elsewhere" | "folder-gone" = "folder-gone") =>
    ({ here: false, reason, code }) as const;
  if (dir === undefined || host === undefined) {
    return missing(
      published ? "Redis no longer knows where this run's folder is." : "This run has not begun yet.",
    );
  }
  if (host !== hostname()) {
    const reason = `The run's folder is on ${host}: ${dir}. A dashboard started there can read it.`;
    return missing(reason, "folder-elsewhere");
  }
  if (!isAbsolute(dir) || resolve(dir) !== dir) return missing("Redis names no usable folder for this run.");
  const manifest = await readManifest(dir).catch(() => undefined);
  if (!manifest) return missing(`There is no readable run in ${dir} any more.`);
  if (manifest.run !== run) return missing(`${dir} holds another run by now.`);
  const spool = join(dir, WORK_FOLDER, SPOOL_FILE);
  const hasSpool = await access(spool).then(
    () => true,
    () => false,
  );
  return { here: true, folder: { dir, manifest, spool: hasSpool ? spool : undefined } };
}

/** Throws an HttpError that says where the folder is when it is not at hand. */
export async function requireRunFolder(known: KnownRun): Promise<RunFolder> {
  const found = await findRunFolder(known);
  if (found.here) return found.folder;
  throw new HttpError("folder-elsewhere", found.reason, { reason: found.code });
}

/** Whether its vectors can be searched: a finished run that wrote records with vectors. */
export function isSearchable({ manifest }: RunFolder): boolean {
  return manifest.state === "finished" && manifest.kind === "embedding" && !isBatch(manifest);
}
