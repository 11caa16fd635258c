import { parentPort, workerData } from "node:worker_threads";
import { CacheStore } from "./cache-store.ts";
import { type PackedBuffers, packBuffers, unpackBuffers } from "./packed-buffers.ts";

/*
 * The answer cache runs in a thread, because disks and locks of other processes would block the event loop. The thread sends
 * one reply when the cache is open, and one for every request, in the order of the requests. It ends with an error if the
 * cache cannot be opened.
 */

export interface CacheThreadOptions {
  readonly folder: string;
  readonly maxBytes: number;
}

export interface CacheRequest {
  readonly type: "find" | "put" | "close";
  /** Epoch ms. */
  readonly now: number;
  /** Frames to put, or keys to find. */
  readonly data: PackedBuffers;
}

export interface CacheReply {
  /** For "find", in the order of the keys; undefined for a miss. */
  readonly frames: PackedBuffers;
  /** Messages for the user. */
  readonly notes: readonly string[];
}

const { folder, maxBytes }: CacheThreadOptions = workerData;
const store = new CacheStore(folder, maxBytes);
reply();
parentPort?.on("message", ({ type, now, data }: CacheRequest) => {
  const buffers = unpackBuffers(data).filter((buffer) => buffer !== undefined);
  if (type === "find") reply(store.find(buffers, now));
  else {
    if (type === "put") store.put(buffers, now);
    else store.close(now);
    reply();
  }
  if (type === "close") parentPort?.close();
});

function reply(found: readonly (Buffer | undefined)[] = []): void {
  const frames = packBuffers(found);
  parentPort?.postMessage({ frames, notes: store.takeNotes() } satisfies CacheReply, [frames.bytes.buffer]);
}
