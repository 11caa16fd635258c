import { createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  createObjectId,
  type DataFolder,
  isObjectId,
  readJsonFile,
  syncFolder,
  writeJsonFile,
} from "#src/api/storage/data-folder.ts";
import { linkOrCopy } from "#src/api/storage/link-file.ts";
import { listPage, type ObjectPage, type PageQuery } from "#src/api/storage/list-page.ts";
import type { Clock } from "#src/core/clock.ts";
import { type StoredFile, storedFile } from "./file-object.ts";

export const FILE_ID_PREFIX = "file-";
const CONTENT = "content";
const DESCRIPTION = "file.json";

export type NewFile = Pick<StoredFile, "filename" | "purpose" | "expiresAt">;

/** Files in the data folder: a folder for each, with its contents and its description, which appears last. */
export class FileStore {
  readonly #data: DataFolder;
  readonly #clock: Clock;

  constructor(data: DataFolder, clock: Clock) {
    this.#data = data;
    this.#clock = clock;
  }

  /** Streams an upload to disk, in constant memory. The file does not exist before `finish`. */
  async receive(tenant: string, source: Readable): Promise<ReceivedFile> {
    const now = this.#clock.now();
    const id = createObjectId(FILE_ID_PREFIX, now);
    const folder = this.#folder(tenant, id);
    await mkdir(folder, { recursive: true });
    const discard = () => rm(folder, { recursive: true, force: true });
    try {
      const target = createWriteStream(join(folder, CONTENT), { flush: true });
      await pipeline(source, target);
      const bytes = target.bytesWritten;
      const finish = async (file: NewFile): Promise<StoredFile> => {
        const stored = { ...file, id, bytes, createdAt: now };
        await writeJsonFile(join(folder, DESCRIPTION), stored);
        await syncFolder(dirname(folder));
        return stored;
      };
      return { bytes, path: join(folder, CONTENT), finish, discard };
    } catch (error) {
      await discard();
      throw error;
    }
  }

  /** Adds a file that exists on disk, under an id of the caller's, so that it is added once however often this is repeated. */
  async add(tenant: string, id: string, path: string, file: NewFile): Promise<StoredFile> {
    const known = await this.get(tenant, id);
    if (known) return known;
    const folder = this.#folder(tenant, id);
    await mkdir(folder, { recursive: true });
    await linkOrCopy(path, join(folder, CONTENT), { replaces: true });
    const { size: bytes } = await stat(join(folder, CONTENT));
    const stored = { ...file, id, bytes, createdAt: this.#clock.now() };
    await writeJsonFile(join(folder, DESCRIPTION), stored);
    await syncFolder(dirname(folder));
    return stored;
  }

  /** Undefined for an id that is unknown, has expired, or belongs to another tenant. */
  async get(tenant: string, id: string): Promise<StoredFile | undefined> {
    if (!isObjectId(FILE_ID_PREFIX, id)) return undefined;
    const file = await readJsonFile(join(this.#folder(tenant, id), DESCRIPTION), storedFile);
    return file && this.#isValid(file) ? file : undefined;
  }

  list(tenant: string, query: PageQuery & { readonly purpose?: string | undefined }): Promise<ObjectPage<StoredFile>> {
    return listPage(this.#data.tenant("files", tenant), query, async (id) => {
      const file = await this.get(tenant, id);
      return query.purpose === undefined || file?.purpose === query.purpose ? file : undefined;
    });
  }

  /** The path of the contents. A reader that has opened it can read on after the file was deleted. */
  contentPath(tenant: string, id: string): string {
    return join(this.#folder(tenant, id), CONTENT);
  }

  /** Links the contents to another path, so that they outlive the file. */
  async linkContent(tenant: string, id: string, path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await linkOrCopy(this.contentPath(tenant, id), path, { replaces: true });
  }

  async delete(tenant: string, id: string): Promise<void> {
    const folder = this.#folder(tenant, id);
    // First the description: a deletion that is interrupted leaves no file without contents.
    await rm(join(folder, DESCRIPTION), { force: true });
    await rm(folder, { recursive: true, force: true });
  }

  #isValid({ expiresAt }: StoredFile): boolean {
    return expiresAt === undefined || expiresAt > this.#clock.now();
  }

  #folder(tenant: string, id: string): string {
    return join(this.#data.tenant("files", tenant), id);
  }
}

/** An upload on disk that is no file yet. */
export interface ReceivedFile {
  readonly bytes: number;
  readonly path: string;
  /** Makes it a file, durably. */
  finish(file: NewFile): Promise<StoredFile>;
  discard(): Promise<void>;
}
