import { createReadStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { FileStore, ReceivedFile } from "#src/api/files/file-store.ts";
import {
  createObjectId,
  type DataFolder,
  isObjectId,
  readJsonFile,
  syncFolder,
  writeJsonFile,
} from "#src/api/storage/data-folder.ts";
import { type StoredUpload, storedUpload } from "./upload-object.ts";

const UPLOAD_ID_PREFIX = "upload_";
const PART_ID_PREFIX = "part_";
/** OpenAI's: an upload that is not completed within an hour expires. */
const TTL_MS = 3600_000;

/** Uploads in the data folder: a folder for each, with its description and its parts. */
export class UploadStore {
  readonly #data: DataFolder;

  constructor(data: DataFolder) {
    this.#data = data;
  }

  async create(
    tenant: string,
    now: number,
    upload: Omit<StoredUpload, "id" | "status" | "createdAt" | "expiresAt" | "fileId">,
  ): Promise<StoredUpload> {
    const id = createObjectId(UPLOAD_ID_PREFIX, now);
    const stored: StoredUpload = { ...upload, id, status: "pending", createdAt: now, expiresAt: now + TTL_MS };
    await this.update(tenant, stored);
    return stored;
  }

  /** Undefined for an id that is unknown or belongs to another tenant. */
  async get(tenant: string, id: string): Promise<StoredUpload | undefined> {
    if (!isObjectId(UPLOAD_ID_PREFIX, id)) return undefined;
    return await readJsonFile(join(this.#folder(tenant, id), "upload.json"), storedUpload);
  }

  async update(tenant: string, upload: StoredUpload): Promise<void> {
    await writeJsonFile(join(this.#folder(tenant, upload.id), "upload.json"), upload);
  }

  /** Keeps a part that was received; resolves with its id. */
  async addPart(tenant: string, upload: string, received: ReceivedFile, now: number): Promise<string> {
    const id = createObjectId(PART_ID_PREFIX, now);
    const folder = this.#folder(tenant, upload);
    await mkdir(folder, { recursive: true });
    await rename(received.path, join(folder, id));
    await syncFolder(folder);
    await received.discard();
    return id;
  }

  /** The parts that are missing, and the bytes of the others. */
  async checkParts(tenant: string, upload: string, parts: readonly string[]) {
    const missing: string[] = [];
    let bytes = 0;
    for (const part of parts) {
      const found =
        isObjectId(PART_ID_PREFIX, part) && (await stat(this.#part(tenant, upload, part)).catch(() => undefined));
      if (found) bytes += found.size;
      else missing.push(part);
    }
    return { missing, bytes };
  }

  /** Combines the parts in this order to the contents of a file, in constant memory. */
  async combine(files: FileStore, tenant: string, upload: string, parts: readonly string[]): Promise<ReceivedFile> {
    const paths = parts.map((part) => this.#part(tenant, upload, part));
    const read = async function* () {
      for (const path of paths) yield* createReadStream(path);
    };
    return await files.receive(tenant, Readable.from(read(), { objectMode: false }));
  }

  /** Deletes the parts; the description stays. */
  async deleteParts(tenant: string, upload: string, parts: readonly string[]): Promise<void> {
    await Promise.all(parts.map((part) => rm(this.#part(tenant, upload, part), { force: true })));
  }

  #part(tenant: string, upload: string, part: string): string {
    return join(this.#folder(tenant, upload), part);
  }

  #folder(tenant: string, id: string): string {
    return join(this.#data.tenant("uploads", tenant), id);
  }
}
