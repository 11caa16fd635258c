import { createHash } from "node:crypto";
import { addAbortSignal, type Readable } from "node:stream";
import { streamBytes } from "#src/producer/input/source-bytes.ts";

/** What standard input held, as far as it was read for a plan. */
export interface StdinDigest {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/**
 * Whether a stream holds what a plan was made of, or begins with it where `mayGoOn` says that more was not looked at.
 * A terminal and an empty stream say nothing against it: whoever resumes a run may no longer have its input. Rejects with
 * the signal's reason on abort, and with `UnreadableSource` when the stream fails.
 */
export async function matchesPlannedInput(
  stream: Readable & { readonly isTTY?: boolean },
  planned: StdinDigest,
  { canHaveMore, signal }: { readonly canHaveMore: boolean; readonly signal?: AbortSignal },
): Promise<boolean> {
  if (stream.isTTY) return true;
  if (signal) addAbortSignal(signal, stream);
  try {
    return await compare(stream, planned, canHaveMore);
  } finally {
    signal?.throwIfAborted();
  }
}

async function compare(stream: Readable, planned: StdinDigest, canHaveMore: boolean): Promise<boolean> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const read of streamBytes(stream, () => undefined)) {
    const part = read.subarray(0, planned.bytes - bytes);
    hash.update(part);
    bytes += part.length;
    if (part.length === read.length) continue;
    if (!canHaveMore) return false;
    break;
  }
  return bytes === 0 || (bytes === planned.bytes && hash.digest("hex") === planned.sha256);
}
