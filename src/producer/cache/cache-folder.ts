import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getSegmentIndexPath, openSegment, SEGMENT_SUFFIX, scanSegment, sealSegment } from "./cache-segment.ts";

/** A segment of a cache's folder, as its file says. */
export interface SegmentFile {
  readonly path: string;
  readonly bytes: number;
  /** When something in it was last used or written, epoch ms. */
  readonly usedAt: number;
}

/** A segment whose writer said nothing for so long has lost it, and grows no more. */
const ABANDONED_MS = 60 * 60_000;
/** Runs leave a segment each, however little was new: beyond so many small ones, they become one. */
const SMALL_SEGMENTS = 32;

/** All segments, the longest unused first; none when there is no such folder. */
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

/** Drops the longest unused segments until the others fit, `kept` in any case; resolves with what was dropped. */
export async function evictSegments(folder: string, maxBytes: number, kept?: string): Promise<string[]> {
  const segments = await listSegments(folder);
  let total = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const dropped: string[] = [];
  for (const { path, bytes } of segments) {
    if (total <= maxBytes) break;
    if (path === kept) continue;
    await dropSegment(path);
    dropped.push(path);
    total -= bytes;
  }
  return dropped;
}

/**
 * Seals what killed writers left, and makes one segment of many small ones. Nothing of it matters for what is found:
 * it may be killed at any moment, and two processes that do it at once only do it twice.
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

/** The whole frames of several segments one after another, under a new name, as old as the youngest of them. */
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
  for (const one of segments) await dropSegment(one.path);
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

/** Writes the index of a segment that nobody writes any more. */
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

async function dropSegment(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(getSegmentIndexPath(path), { force: true });
}
