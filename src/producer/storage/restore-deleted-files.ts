import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DiskFile } from "./disk.ts";
import { getRunDatabasePath } from "./run-database.ts";
import type { RunStore } from "./run-store.ts";
import { RUN_DATABASE } from "./schema.ts";
import { VECTOR_FILE } from "./vectors/vector-file.ts";

const COPY_BYTES = 4 * 1024 * 1024;

/**
 * Writes those files of an open store again that were deleted: the process can still read them. They have every record
 * whose `sync` resolved. What is written to the store afterwards is lost.
 */
export async function restoreDeletedFiles(store: RunStore): Promise<void> {
  const path = getRunDatabasePath(store.dir);
  await mkdir(store.folder, { recursive: true });
  // First, because records without vectors are removed, but vectors without records do no harm.
  if (store.vectors && !existsSync(join(store.folder, VECTOR_FILE))) await copyVectors(store, store.vectors.file);
  // Without its WAL, the database file lacks the latest records.
  if (!existsSync(path) || (usesWal(store) && !existsSync(`${path}-wal`))) await copyDatabase(store, path);
}

function usesWal({ database }: RunStore): boolean {
  return database.prepare("PRAGMA journal_mode").get()?.journal_mode === "wal";
}

async function copyDatabase(store: RunStore, path: string): Promise<void> {
  const copy = join(store.dir, `${RUN_DATABASE}.partial`);
  await rm(copy, { force: true });
  store.database.prepare("VACUUM INTO ?").run(copy);
  const file = await store.disk.open(copy);
  await file.sync().finally(() => file.close());
  // SQLite would apply the WAL of the deleted file to the copy.
  await Promise.all(["-wal", "-shm"].map((suffix) => rm(`${path}${suffix}`, { force: true })));
  await rename(copy, path);
  await store.disk.syncFolder(store.dir);
}

async function copyVectors({ disk, folder }: RunStore, source: DiskFile): Promise<void> {
  const target = await disk.open(join(folder, VECTOR_FILE));
  try {
    const bytes = Buffer.alloc(COPY_BYTES);
    for (let at = 0; ; at += bytes.length) {
      const count = await source.read(bytes, at);
      await target.write([bytes.subarray(0, count)], at);
      if (count < bytes.length) break;
    }
    await target.sync();
  } finally {
    await target.close();
  }
  await disk.syncFolder(folder);
}
