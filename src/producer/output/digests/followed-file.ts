import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";

const READ_BYTES = 1024 * 1024;

/** The SHA-256 of a file that is being written: bytes that are final are hashed while the rest is still to come. */
export class FollowedFile {
  readonly #path: string;
  readonly #hash = createHash("sha256");
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  #position = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Hashes the bytes before `position`, which must not change any more. Blocks; throws the system error. */
  advance(position: number): void {
    if (position <= this.#position) return;
    const handle = openSync(this.#path, "r");
    try {
      while (this.#position < position) {
        const wanted = Math.min(READ_BYTES, position - this.#position);
        const bytes = readSync(handle, this.#buffer, 0, wanted, this.#position);
        if (bytes === 0) throw new Error(`${this.#path} ended while it was being read`);
        this.#hash.update(this.#buffer.subarray(0, bytes));
        this.#position += bytes;
      }
    } finally {
      closeSync(handle);
    }
  }

  /** Hashes the next bytes of the file, which were read already. */
  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#position += bytes.length;
  }

  /** Hexadecimal. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
