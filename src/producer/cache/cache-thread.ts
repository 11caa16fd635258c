import { parentPort, workerData } from "node:worker_threads";
import { KEY_BYTES } from "./cache-frame.ts";
import { CacheStore } from "./cache-store.ts";

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
  /** Frames to put, or the keys to find in one piece. */
  readonly data: readonly Uint8Array[];
}

export interface CacheReply {
  /** For "find", in the order of the keys; undefined for a miss. */
  readonly frames: readonly (Uint8Array<ArrayBuffer> | undefined)[];
  /** Messages for the user. */
  readonly notes: readonly string[];
}

const { folder, maxBytes }: CacheThreadOptions = workerData;
const store = new CacheStore(folder, maxBytes);
reply([]);
parentPort?.on("message", ({ type, now, data }: CacheRequest) => {
  const buffers = data.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  let frames: CacheReply["frames"] = [];
  if (type === "find") frames = store.find(buffers.flatMap(splitKeys), now);
  else if (type === "put") store.put(buffers, now);
  else store.close(now);
  reply(frames);
  if (type === "close") parentPort?.close();
});

function reply(frames: CacheReply["frames"]): void {
  const moved = frames.flatMap((frame) => (frame ? [frame.buffer] : []));
  parentPort?.postMessage({ frames, notes: store.takeNotes() } satisfies CacheReply, moved);
}

function splitKeys(keys: Buffer): Buffer[] {
  const count = keys.length / KEY_BYTES;
  return Array.from({ length: count }, (_, n) => keys.subarray(n * KEY_BYTES, (n + 1) * KEY_BYTES));
}
