import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getSegmentIndexPath, openSegment, SEGMENT_SUFFIX, scanSegment, sealSegment } from "./cache-segment.ts";

/** A segment file in the cache folder. */
export interface SegmentFile {
  readonly path: string;
  readonly bytes: number;
  /** When an entry was last used or written, epoch ms. */
  readonly usedAt: number;
}

/** A segment that was not written for this long has no writer any more. */
const ABANDONED_MS = 60 * 60_000;
/** Every run leaves a segment, however small; more small segments than this are merged. */
const SMALL_SEGMENTS = 32;

/** Lists all segments, least recently used first; none if the folder does not exist. */
export async function listSegments(folder: string): Promise<SegmentFile[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith(SEGMENT_SUFFIX))
      .map(async (name) => {
        const path = join(folder, name);
        const { size: bytes, mtimeMs: usedAt } = (await stat(path).catch(() => undefined)) ?? {};
        return bytes === undefined || usedAt === undefined ? [] : [{ path, bytes, usedAt }];
      }),
  );
  return found.flat().sort((a, b) => a.usedAt - b.usedAt);
}

/** Deletes the least recently used segments, except `kept`, until the others fit; resolves with the deleted paths. */
export async function evictSegments(folder: string, maxBytes: number, kept?: string): Promise<string[]> {
  const segments = await listSegments(folder);
  let total = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const deleted: string[] = [];
  for (const { path, bytes } of segments) {
    if (total <= maxBytes) break;
    if (path === kept) continue;
    await deleteSegment(path);
    deleted.push(path);
    total -= bytes;
  }
  return deleted;
}

/**
 * Merges many small segments into one, including those of killed writers. It does not affect lookups: it may be killed
 * at any time, and two processes may do it at once.
 */
export async function compactFolder(folder: string, segmentBytes: number, now: number): Promise<void> {
  const segments = await listSegments(folder);
  const small: SegmentFile[] = [];
  for (const segment of segments) {
    if (!(await isSealed(segment)) && now - segment.usedAt < ABANDONED_MS) continue;
    if (segment.bytes < segmentBytes / 4) small.push(segment);
  }
  if (small.length <= SMALL_SEGMENTS) return;
  let merged: SegmentFile[] = [];
  for (const segment of small) {
    const bytes = merged.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes + segment.bytes > segmentBytes) {
      await mergeSegments(merged);
      merged = [];
    }
    merged.push(segment);
  }
  await mergeSegments(merged);
}

/** Writes the complete frames of several segments to a new one with the modification time of the newest. */
async function mergeSegments(segments: readonly SegmentFile[]): Promise<void> {
  const last = segments.at(-1);
  if (!last || segments.length < 2) return;
  const parts: Buffer[] = [];
  for (const { path } of segments) {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    parts.push(bytes.subarray(0, await countCompleteBytes(path, bytes.length)));
  }
  const path = `${last.path.slice(0, -SEGMENT_SUFFIX.length)}-${segments.length}${SEGMENT_SUFFIX}`;
  const bytes = Buffer.concat(parts);
  await writeFile(`${path}.partial`, bytes, { mode: 0o600 });
  await rename(`${path}.partial`, path);
  await scanAndSeal(path, bytes.length);
  await utimes(path, new Date(last.usedAt), new Date(last.usedAt));
  for (const one of segments) await deleteSegment(one.path);
}

async function countCompleteBytes(path: string, size: number): Promise<number> {
  const handle = await openSegment(path);
  if (!handle) return 0;
  try {
    return (await scanSegment(handle, 0, size)).end;
  } finally {
    await handle.close();
  }
}

/** Writes the index of a segment that has no writer any more. */
export async function scanAndSeal(path: string, size: number): Promise<void> {
  const handle = await openSegment(path);
  if (!handle) return;
  try {
    const { frames } = await scanSegment(handle, 0, size);
    await sealSegment(path, frames, size);
  } finally {
    await handle.close();
  }
}

async function isSealed({ path }: SegmentFile): Promise<boolean> {
  return await stat(getSegmentIndexPath(path)).then(
    () => true,
    () => false,
  );
}

async function deleteSegment(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(getSegmentIndexPath(path), { force: true });
}
