import { stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { FollowedFile } from "./followed-file.ts";

/** The size of a file in bytes, and its SHA-256 in hexadecimal. */
export interface FileHash {
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes that are hashed at once: some 8 ms. */
const STEP_BYTES = 8 * 1024 * 1024;

/** Computes the SHA-256 of files, also while they are being written. */
export class FileHasher {
  readonly #files = new Map<string, FollowedFile>();

  /** Hashes all bytes of a file before `position`, which must be written and final. Throws the system error. */
  advance(path: string, position: number): void {
    this.#follow(path).advance(position);
  }

  /** The same for a reader, which may pass the last of these bytes: since the previous call, in a buffer. */
  add(path: string, { bytes, end }: { readonly bytes?: Uint8Array | undefined; readonly end: number }): void {
    if (bytes) this.#follow(path).add(bytes);
    else this.advance(path, end);
  }

  /** The hash of a complete file. Rejects with the system error. */
  async finish(path: string): Promise<FileHash> {
    const { size: bytes } = await stat(path);
    const file = this.#follow(path);
    for (let position = STEP_BYTES; position < bytes; position += STEP_BYTES) {
      file.advance(position);
      await setImmediate();
    }
    file.advance(bytes);
    this.#files.delete(path);
    return { bytes, sha256: file.digest() };
  }

  #follow(path: string): FollowedFile {
    const known = this.#files.get(path);
    if (known) return known;
    const file = new FollowedFile(path);
    this.#files.set(path, file);
    return file;
  }
}
