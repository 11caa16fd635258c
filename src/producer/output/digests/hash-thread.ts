// The thread that hashes files, so that gigabytes of vectors are hashed beside the work of the main thread.
import { parentPort } from "node:worker_threads";
import { coerceError } from "#src/core/failures/errors.ts";
import { FollowedFile } from "./followed-file.ts";

/** All bytes of a file before `position` are final. The last request for a file is answered. */
export interface HashRequest {
  readonly path: string;
  readonly position: number;
  readonly isLast: boolean;
}

export interface HashReply {
  readonly path: string;
  readonly sha256?: string;
  readonly error?: string;
}

const files = new Map<string, FollowedFile>();

parentPort?.on("message", ({ path, position, isLast }: HashRequest) => {
  const file = files.get(path) ?? new FollowedFile(path);
  files.set(path, file);
  if (isLast) files.delete(path);
  try {
    file.advance(position);
    if (isLast) parentPort?.postMessage({ path, sha256: file.digest() } satisfies HashReply);
  } catch (thrown) {
    // An error before the last request occurs again with that request.
    if (isLast) parentPort?.postMessage({ path, error: coerceError(thrown).message } satisfies HashReply);
  }
});
