import { createHash } from "node:crypto";
import { addAbortSignal, type Readable } from "node:stream";
import { readStreamBytes } from "#src/producer/input/source-bytes.ts";

/** Identifies the part of standard input that was read for a plan. */
export interface StdinDigest {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Returns whether a stream contains the input of a plan; with `canHaveMore`, whether it starts with it (the plan did
 * not read the rest). A terminal and an empty stream also match, because a user who resumes a run may no longer have
 * its input. Rejects with the signal's reason on abort, and with `UnreadableSourceError` when the stream fails.
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
  for await (const read of readStreamBytes(stream, () => undefined)) {
    const part = read.subarray(0, planned.bytes - bytes);
    hash.update(part);
    bytes += part.length;
    if (part.length === read.length) continue;
    if (!canHaveMore) return false;
    break;
  }
  return bytes === 0 || (bytes === planned.bytes && hash.digest("hex") === planned.sha256);
}
