import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { type CachedAnswer, decodeFrame, encodeFrame } from "./cache-frame.ts";
import type { CacheReply, CacheRequest, CacheThreadOptions } from "./cache-thread.ts";

export interface CacheOptions {
  /** Approximate maximum size of the file. */
  readonly maxBytes: number;
  /** Epoch ms. */
  readonly now: () => number;
  /** Called with messages for the user, for example when the cache cannot be written; the run continues. */
  readonly notify: (message: string) => void;
}

/** Maximum memory for unwritten answers; when the disk is too slow, further answers are not cached. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const NOTHING: CacheReply = { frames: [], notes: [] };

/**
 * Answers of providers on disk, by key. Any number of processes may use one folder at once. Everything that is read is
 * verified, so a kill or a damaged byte causes a miss and never a wrong answer.
 */
export class AnswerCache {
  readonly #options: CacheOptions;
  readonly #thread: Worker;
  #hasEnded = false;
  #lastReply: Promise<CacheReply>;
  #pending: Buffer<ArrayBuffer>[] = [];
  /** Of frames that are pending or being written. */
  #unwrittenBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(thread: Worker, options: CacheOptions) {
    this.#thread = thread;
    this.#options = options;
    this.#lastReply = this.#receive();
  }

  /** Opens or creates the cache in `folder`. Rejects with a RunError when it cannot be used. */
  static async open(folder: string, options: CacheOptions): Promise<AnswerCache> {
    const path = new URL(`./cache-thread${extname(import.meta.url)}`, import.meta.url);
    const workerData: CacheThreadOptions = { folder, maxBytes: options.maxBytes };
    const cache = new AnswerCache(new Worker(path, { workerData }), options);
    try {
      await cache.#lastReply;
      return cache;
    } catch (error) {
      const hint = "Choose another folder with --cache, or remove the option.";
      throw new RunError(coerceError(error).message, hint, error);
    }
  }

  /** Reads the answers to these keys; undefined for a miss. Answers of other processes are found once they are written. */
  async find(keys: readonly Buffer[]): Promise<(CachedAnswer | undefined)[]> {
    const { frames } = keys.length === 0 ? NOTHING : await this.#request("find", [Buffer.concat(keys)]);
    return keys.map((_, i) => {
      const frame = frames[i];
      return frame && decodeFrame(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
    });
  }

  /** Stores an answer, in the background. */
  put(key: Buffer, answer: CachedAnswer): void {
    if (this.#hasEnded || this.#unwrittenBytes > MAX_WAITING_BYTES) return;
    const frame = encodeFrame(key, answer);
    this.#pending.push(frame);
    this.#unwrittenBytes += frame.length;
    if (this.#pending.length === 1) this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves when every process can find all answers of earlier `put` calls. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#request("close", []);
    this.#hasEnded = true;
  }

  async #write(): Promise<void> {
    const frames = this.#pending.splice(0);
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    const moved = frames.map(({ buffer }) => buffer);
    await this.#request("put", frames, moved);
    this.#unwrittenBytes -= bytes;
  }

  /** Resolves with an empty reply after the thread has ended. */
  async #request(type: CacheRequest["type"], data: readonly Uint8Array[], moved: readonly ArrayBuffer[] = []) {
    this.#lastReply = this.#lastReply.then(async () => {
      if (this.#hasEnded) return NOTHING;
      try {
        const request: CacheRequest = { type, now: this.#options.now(), data };
        this.#thread.postMessage(request, moved);
        return await this.#receive();
      } catch (error) {
        this.#hasEnded = true;
        this.#options.notify(`answer cache: ${coerceError(error).message}; it is not used any more`);
        return NOTHING;
      }
    });
    return await this.#lastReply;
  }

  /** Rejects if the thread ends with an error. The thread keeps the process running only meanwhile. */
  async #receive(): Promise<CacheReply> {
    this.#thread.ref();
    const [reply]: CacheReply[] = await once(this.#thread, "message");
    this.#thread.unref();
    for (const note of reply?.notes ?? []) this.#options.notify(note);
    return reply ?? NOTHING;
  }
}
