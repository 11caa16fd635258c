import { type FileHandle, open } from "node:fs/promises";
import type { AsyncBuffer } from "hyparquet";
import { RunError } from "#src/core/failures/errors.ts";

/** A file as input of a Parquet reader, with one open handle for all reads. */
export interface FileSlices extends AsyncBuffer, AsyncDisposable {}

export async function openSlices(path: string): Promise<FileSlices> {
  const handle = await open(path, "r");
  const { size } = await handle.stat();
  return {
    byteLength: size,
    slice: (start, end = size) => readSlice(handle, path, start < 0 ? size + start : start, Math.min(end, size)),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function readSlice(handle: FileHandle, path: string, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(end - start, 0));
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) throw new RunError(`${path} was truncated while it was being read`);
    filled += bytesRead;
  }
  return bytes.buffer;
}
