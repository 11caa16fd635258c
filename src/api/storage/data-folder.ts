import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type * as z from "zod";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { linkOrCopy } from "./link-file.ts";

/**
 * The folder in which servers keep files and batches. All servers of one Redis share it. Everything belongs to a tenant: the
 * folders of tenants are separate, so that an id of another tenant is an unknown id, on the same path and after the same reads.
 */
export class DataFolder {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** The folder of one kind of object of a tenant. Names of tenants may be no file names. */
  tenant(kind: "files" | "batches" | "uploads", tenant: string): string {
    return join(this.root, kind, hashTenant(tenant));
  }

  /** Unfinished batches: one small file each, so that a server finds them without reading all that ever were. */
  get activeBatches(): string {
    return join(this.root, "active-batches");
  }
}

function hashTenant(tenant: string): string {
  return createHash("sha256").update(tenant).digest("hex").slice(0, 32);
}

/** Creates an id whose order is that of creation: "file-0198b3c1f2a4..." */
export function createObjectId(prefix: string, now: number): string {
  return `${prefix}${now.toString(16).padStart(12, "0")}${randomBytes(10).toString("hex")}`;
}

/** When the object was created, epoch ms. */
export function readCreationTime(prefix: string, id: string): number {
  return Number.parseInt(id.slice(prefix.length, prefix.length + 12), 16);
}

/** Whether a text from a request can be an id with this prefix; anything else must not become part of a path. */
export function isObjectId(prefix: string, text: string): boolean {
  return text.startsWith(prefix) && /^[0-9a-f]{12,64}$/.test(text.slice(prefix.length));
}

/** Reads a JSON file; undefined if there is none. Throws a RunError if it cannot be read or is malformed. */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw new RunError(`${path}: cannot be read (${errorCode(error)})`, "Check the permissions of the folder.", error);
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new RunError(`${path}: not written by this version`, "Restore the file, or delete its folder.");
}

/** Replaces a file atomically and durably: after a crash it has either the old or the new contents. */
export async function writeJsonFile(path: string, value: object): Promise<void> {
  await placeJsonFile(path, value, (temporary) => rename(temporary, path));
}

/** Creates a file durably, with its contents; an existing one is left as it is. */
export async function createJsonFile(path: string, value: object): Promise<void> {
  await placeJsonFile(path, value, async (temporary) => {
    await linkOrCopy(temporary, path, { replaces: false });
    await rm(temporary);
  });
}

async function placeJsonFile(path: string, value: object, place: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(`${JSON.stringify(value)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the names in a folder durable. Some network file systems cannot, and do so by themselves. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
