import type { BigIntStats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { errorCode } from "#src/core/failures/errors.ts";
import { INPUT_PROBLEMS } from "./problems.ts";
import { type SourceFile, UnreadableSourceError } from "./source.ts";

/** Receives every byte of the sources once, in order; progress and the source hash are computed from them. */
export type ByteTap = (bytes: Uint8Array) => void;

/** Bytes per read: large enough that the cost per read does not matter, small enough to stop between two reads. */
const READ_BYTES = 64 * 1024;

/** Opens a source file. Throws `UnreadableSourceError` for system errors. */
export async function openSource(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw new UnreadableSourceError(describeSystemError(error));
  }
}

/**
 * Reads a file from start to end; each buffer has its own memory. Throws `UnreadableSourceError` when the file cannot
 * be read, or changes while it is being read, because the plan would mix old and new contents.
 */
export async function* readFileBytes(file: SourceFile, tap: ByteTap): AsyncGenerator<Buffer> {
  await using handle = await openSource(file.path);
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

/** Throws `UnreadableSourceError` when the file has changed since `before`. */
export async function assertUnchanged(handle: FileHandle, before: BigIntStats): Promise<void> {
  const after = await handle.stat({ bigint: true });
  if (after.size !== before.size || after.mtimeNs !== before.mtimeNs) {
    throw new UnreadableSourceError(INPUT_PROBLEMS.changed);
  }
}

/** Reads up to `length` bytes from `position`; returns an empty buffer at the end of the file. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer<ArrayBuffer>> {
  try {
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await handle.read(buffer, 0, length, position);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new UnreadableSourceError(describeSystemError(error));
  }
}

/** Reads a stream of bytes or strings. Throws `UnreadableSourceError` when the stream fails. */
export async function* readStreamBytes(stream: Readable, tap: ByteTap): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk);
      tap(bytes);
      yield bytes;
    }
  } catch (error) {
    throw error instanceof UnreadableSourceError ? error : new UnreadableSourceError(describeSystemError(error));
  }
}

/** Describes a system error without the path ("ENOENT: ..., open '/path'"), which the problem already names. */
export function describeSystemError(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT") return INPUT_PROBLEMS.notFound;
  if (code === "EACCES" || code === "EPERM") return INPUT_PROBLEMS.permissionDenied;
  if (code === "ELOOP") return INPUT_PROBLEMS.linkLoop;
  if (code === undefined) throw error;
  return INPUT_PROBLEMS.systemError(code);
}
