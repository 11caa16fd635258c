import { type FileHandle, open, readFile } from "node:fs/promises";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { getItemsIndexPath, INDEX_STRIDE, parseItemsFileIndex } from "./items-file-index.ts";
import { parseItem } from "./planned-item.ts";

const READ_BYTES = 256 * 1024;
const NEWLINE = 10;

/**
 * Reads the items of an items file from index `from` on, in groups. Buffers at most one chunk and one item; any number
 * of readers may read the same file at once. Rejects with a RunError when the file is missing or damaged.
 */
export async function* readItemsFile(
  path: string,
  { from = 0, signal }: { readonly from?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<Item[]> {
  await using handle = await openItemsFile(path);
  const start = await findNearestOffset(path, handle, from);
  let index = start.index;
  for await (const lines of readLineGroups(handle, start.offset)) {
    signal?.throwIfAborted();
    const items: Item[] = [];
    for (const line of lines) {
      if (index >= from) items.push(parseLine(line, index, path));
      index += 1;
    }
    if (items.length > 0) yield items;
  }
}

async function openItemsFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    throw new RunError(
      `${path}: the plan's items are missing`,
      "run the same command with --force to plan again",
      error,
    );
  }
}

/** Finds the last item of the index at or before `from`; without an index, the first item, which is only slower. */
async function findNearestOffset(
  path: string,
  handle: FileHandle,
  from: number,
): Promise<{ index: number; offset: number }> {
  const first = { index: 0, offset: 0 };
  if (from < INDEX_STRIDE) return first;
  const text = await readFile(getItemsIndexPath(path), "utf8").catch(() => "");
  const { size } = await handle.stat();
  const fileIndex = parseItemsFileIndex(text, size);
  if (fileIndex === undefined) return first;
  if (from >= fileIndex.items) return { index: fileIndex.items, offset: size };
  const at = Math.floor(from / INDEX_STRIDE);
  const offset = fileIndex.offsets[at];
  return offset === undefined ? first : { index: at * INDEX_STRIDE, offset };
}

async function* readLineGroups(handle: FileHandle, start: number): AsyncGenerator<string[]> {
  let position = start;
  let parts: Buffer[] = [];
  while (true) {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const bytes = buffer.subarray(0, bytesRead);
    const last = bytes.lastIndexOf(NEWLINE);
    if (last === -1) parts.push(bytes);
    else {
      const whole = Buffer.concat([...parts, bytes.subarray(0, last)]);
      parts = [bytes.subarray(last + 1)];
      yield whole.toString("utf8").split("\n");
    }
  }
  const rest = Buffer.concat(parts);
  if (rest.length > 0) yield [rest.toString("utf8")];
}

function parseLine(line: string, index: number, path: string): Item {
  try {
    return parseItem(line, index);
  } catch (error) {
    throw new RunError(
      `${path}:${index + 1}: the plan's items are damaged`,
      "run the same command with --force to plan again",
      error,
    );
  }
}
