import { type FileHandle, mkdir, open } from "node:fs/promises";
import { endianness } from "node:os";
import { dirname } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";

export { toDiskError } from "#src/core/failures/disk-error.ts";

/** An open file with positioned reads and writes. Every method rejects with the system error. */
export interface DiskFile {
  /** Writes consecutive buffers from `position` on; resolves when the operating system has accepted all bytes. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `into` from `position` and returns the number of bytes; fewer than requested only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Resolves when everything written before the call survives a power failure. */
  sync(): Promise<void>;
  size(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** The file system of a store; tests replace it with one that fills up or loses power. */
export interface Disk {
  /** Opens a file for reading; undefined if it does not exist. */
  openExisting(path: string): Promise<DiskFile | undefined>;
  /** Opens a file for reading and writing; creates the file and its folder if they do not exist. */
  open(path: string): Promise<DiskFile>;
  /** Makes created and renamed files of a folder survive a power failure. */
  syncFolder(path: string): Promise<void>;
}

class HandleFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(buffers: readonly Uint8Array[], position: number): Promise<void> {
    let rest = buffers.filter((buffer) => buffer.byteLength > 0);
    let at = position;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest, at);
      if (bytesWritten === 0) throw new Error("the operating system wrote no bytes and reported no error");
      at += bytesWritten;
      rest = dropBytes(rest, bytesWritten);
    }
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < into.byteLength) {
      const { bytesRead } = await this.#handle.read(into, filled, into.byteLength - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Returns the rest of the buffers after a write that accepted only their first `bytes` bytes. */
function dropBytes(buffers: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const buffer of buffers) {
    if (skip >= buffer.byteLength) skip -= buffer.byteLength;
    else {
      rest.push(skip === 0 ? buffer : buffer.subarray(skip));
      skip = 0;
    }
  }
  return rest;
}

export const systemDisk: Disk = {
  async openExisting(path) {
    try {
      return new HandleFile(await open(path, "r"));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  async open(path) {
    try {
      return new HandleFile(await open(path, "r+"));
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    await mkdir(dirname(path), { recursive: true });
    return new HandleFile(await open(path, "w+"));
  },
  async syncFolder(path) {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

/** Throws a RunError on a big-endian machine: vectors are stored in the byte order of memory, as little-endian. */
export function requireLittleEndian(order: "LE" | "BE" = endianness()): void {
  if (order === "LE") return;
  throw new RunError(
    "vectors are stored as little-endian float32, and this machine is big-endian",
    "Run this command on a little-endian machine (x86-64 or ARM64).",
  );
}
