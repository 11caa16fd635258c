import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_FILE, type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";

/** A finished run in a folder. */
export interface FinishedRun {
  readonly dir: string;
  readonly manifest: RunManifest;
}

/** Those of the folders, and of the folders in them, that contain a run. Folders that cannot be read have none. */
export async function findRunFolders(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
    found.push(...[folder, ...inner].filter((dir) => existsSync(join(dir, MANIFEST_FILE))));
  }
  return found;
}

/** The finished runs in these folders: those that ended before `before` (epoch ms), and newer ones with a work folder. */
export async function sortFinishedRuns(dirs: readonly string[], before: number) {
  const old: FinishedRun[] = [];
  const withWorkFolder: FinishedRun[] = [];
  for (const dir of new Set(dirs)) {
    const manifest = await readManifest(dir).catch(() => undefined);
    if (manifest?.state !== "finished") continue;
    const finishedAt = Date.parse(manifest.finishedAt ?? manifest.createdAt);
    if (finishedAt < before) old.push({ dir, manifest });
    else if (existsSync(join(dir, WORK_FOLDER))) withWorkFolder.push({ dir, manifest });
  }
  return { old, withWorkFolder };
}
