import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { errorCode } from "#src/core/errors.ts";
import { type SourceFile, UnreadableSourceError } from "./source.ts";

/** Sees every byte of the sources once, in order: what progress and the source hash are made of. */
export type ByteTap = (bytes: Uint8Array) => void;

/** Bytes of one read; large enough that the cost of a read vanishes, small enough to stop between two. */
const READ_BYTES = 64 * 1024;

/** Opens a source file; what the system refuses becomes `UnreadableSource` in words. */
export async function openSource(file: SourceFile): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (error) {
    throw new UnreadableSourceError(describeSystemError(error));
  }
}

/**
 * The file's bytes from first to last in buffers of their own. Throws `UnreadableSource` when the file cannot be
 * read or changes on the way: half an old and half a new file would be planned otherwise.
 */
export async function* fileBytes(file: SourceFile, tap: ByteTap): AsyncGenerator<Buffer> {
  await using handle = await openSource(file);
  const before = await handle.stat({ bigint: true });
  let position = 0;
  while (true) {
    const bytes = await readAt(handle, position, READ_BYTES);
    if (bytes.length === 0) break;
    position += bytes.length;
    tap(bytes);
    yield bytes;
  }
  await assertUnchanged(handle, before);
}

/** Throws `UnreadableSource` when the file is no longer what it was when `before` was taken. */
export async function assertUnchanged(handle: FileHandle, before: BigIntStats): Promise<void> {
  const after = await handle.stat({ bigint: true });
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw new UnreadableSourceError("changed while it was being read; run the command again when it is complete");
  }
}

/** Up to `length` bytes from `position`; an empty buffer at the end of the file. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  try {
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await handle.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new UnreadableSourceError(describeSystemError(error));
  }
}

/** The bytes of standard input, whatever encoding was set on it; a stream that fails is `UnreadableSource`. */
export async function* streamBytes(stream: Readable, tap: ByteTap): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk as Uint8Array);
      tap(bytes);
      yield bytes;
    }
  } catch (error) {
    throw error instanceof UnreadableSourceError ? error : new UnreadableSourceError(describeSystemError(error));
  }
}

/** A system error in words; never "ENOENT: ..., open '/path'", because the path is already in `where`. */
export function describeSystemError(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT") return "no such file or folder";
  if (code === "EACCES" || code === "EPERM") return "cannot be read: permission denied";
  if (code === "ELOOP") return "cannot be read: a loop of symbolic links";
  if (code === undefined) throw error;
  return `cannot be read (${code})`;
}
