import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isFinal, storedBatch } from "#src/api/batches/batch-object.ts";
import { storedFile } from "#src/api/files/file-object.ts";
import { storedUpload } from "#src/api/uploads/upload-object.ts";
import { type DataFolder, readJsonFile } from "./data-folder.ts";
import { readNames } from "./list-page.ts";

/** How long the requests and the run of a batch are kept after its end; its description and its output files stay. */
const BATCH_WORK_TTL_MS = 30 * 24 * 3600_000;

/**
 * Deletes files and uploads that have expired, and what ended batches do not need any more. Several servers may do so at the
 * same time. An object that cannot be read is left alone.
 */
export async function deleteExpired(data: DataFolder, now: number): Promise<void> {
  for await (const folder of listObjects(join(data.root, "files"))) {
    const file = await readJsonFile(join(folder, "file.json"), storedFile).catch(() => undefined);
    if (file?.expiresAt !== undefined && file.expiresAt <= now) await rm(folder, { recursive: true, force: true });
  }
  for await (const folder of listObjects(join(data.root, "uploads"))) {
    const upload = await readJsonFile(join(folder, "upload.json"), storedUpload).catch(() => undefined);
    if (upload && upload.expiresAt <= now) await rm(folder, { recursive: true, force: true });
  }
  for await (const folder of listObjects(join(data.root, "batches"))) {
    const batch = await readJsonFile(join(folder, "batch.json"), storedBatch).catch(() => undefined);
    if (!batch || !isFinal(batch.status) || now - batch.expiresAt < BATCH_WORK_TTL_MS) continue;
    for (const name of ["run", "input.jsonl", "errors.jsonl"])
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** The folders of all objects of a kind, of all tenants. */
async function* listObjects(kind: string): AsyncGenerator<string> {
  for (const tenant of await readNames(kind))
    for (const id of await readNames(join(kind, tenant))) yield join(kind, tenant, id);
}
