import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { FollowedFile } from "./followed-file.ts";
import type { HashReply, HashRequest } from "./hash-thread.ts";

/** The size of a file in bytes, and its SHA-256 in hexadecimal. */
export interface FileHash {
  readonly bytes: number;
  readonly sha256: string;
}

/** Smaller files are hashed in less time than a thread needs to start. */
const THREAD_BYTES = 16 * 1024 * 1024;

/** Computes the SHA-256 of files, large ones in a thread of its own and while they are being written. */
export class FileHasher {
  #thread: Worker | undefined;
  readonly #replies = new Map<string, PromiseWithResolvers<string>>();

  /** Tells that all bytes of a file before `position` are written and final. */
  advance(path: string, position: number): void {
    if (position < THREAD_BYTES) return;
    this.#request({ path, position, isLast: false });
  }

  /** The hash of a complete file. Rejects with the system error. */
  async finish(path: string): Promise<FileHash> {
    const { size: bytes } = await stat(path);
    if (bytes < THREAD_BYTES) {
      const file = new FollowedFile(path);
      file.advance(bytes);
      return { bytes, sha256: file.digest() };
    }
    const reply = Promise.withResolvers<string>();
    this.#replies.set(path, reply);
    this.#request({ path, position: bytes, isLast: true });
    return { bytes, sha256: await reply.promise };
  }

  /** Ends the thread, also in the middle of a file. Required, because the thread keeps the process running. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #request(request: HashRequest): void {
    this.#thread ??= this.#startThread();
    this.#thread.postMessage(request);
  }

  #startThread(): Worker {
    const thread = new Worker(new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url));
    thread.on("message", ({ path, sha256, error }: HashReply) => {
      const reply = this.#replies.get(path);
      if (sha256 === undefined) reply?.reject(new Error(error));
      else reply?.resolve(sha256);
    });
    thread.on("error", (error) => {
      for (const reply of this.#replies.values()) reply.reject(error);
    });
    return thread;
  }
}
