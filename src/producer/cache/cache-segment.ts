import { type FileHandle, open, readFile, rename, writeFile } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { decodeFrameHeader, FRAME_HEADER_BYTES } from "./cache-frame.ts";

export const SEGMENT_SUFFIX = ".answers";
const INDEX_SUFFIX = ".index";
const READ_BYTES = 1024 * 1024;

/*
 * The index of a sealed segment: 0 magic (8)   8 bytes of the segment u32   12 frames u32   16 check u32
 * (CRC-32 of everything from byte 24 on)   20 0   24 per frame: the first 8 bytes of its key, and its offset u32
 */
const INDEX_MAGIC = Buffer.from("SLUICEAI", "latin1");
const INDEX_HEADER_BYTES = 24;
const INDEX_FRAME_BYTES = 12;

/** A frame of a segment; `key` is the first 8 bytes of its key. */
export interface FrameLocation {
  readonly key: Buffer;
  readonly offset: number;
}

export function getSegmentIndexPath(segmentPath: string): string {
  return `${segmentPath.slice(0, -SEGMENT_SUFFIX.length)}${INDEX_SUFFIX}`;
}

/** Encodes the index of a segment; the frames are in the order of the file. */
function encodeSegmentIndex(frames: readonly FrameLocation[], segmentBytes: number): Buffer {
  const bytes = Buffer.alloc(INDEX_HEADER_BYTES + frames.length * INDEX_FRAME_BYTES);
  for (const [i, { key, offset }] of frames.entries()) {
    const at = INDEX_HEADER_BYTES + i * INDEX_FRAME_BYTES;
    key.copy(bytes, at, 0, 8);
    bytes.writeUInt32LE(offset, at + 8);
  }
  INDEX_MAGIC.copy(bytes);
  bytes.writeUInt32LE(segmentBytes, 8);
  bytes.writeUInt32LE(frames.length, 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(INDEX_HEADER_BYTES)), 16);
  return bytes;
}

/** Returns undefined for an index that is damaged or belongs to a segment of another size. */
function decodeSegmentIndex(bytes: Buffer, segmentBytes: number): FrameLocation[] | undefined {
  if (bytes.length < INDEX_HEADER_BYTES || !bytes.subarray(0, 8).equals(INDEX_MAGIC)) return undefined;
  const count = bytes.readUInt32LE(12);
  const body = bytes.subarray(INDEX_HEADER_BYTES);
  if (bytes.readUInt32LE(8) !== segmentBytes || body.length !== count * INDEX_FRAME_BYTES) return undefined;
  if (crc32(body) !== bytes.readUInt32LE(16)) return undefined;
  return Array.from({ length: count }, (_, i) => {
    const at = i * INDEX_FRAME_BYTES;
    return { key: body.subarray(at, at + 8), offset: body.readUInt32LE(at + 8) };
  });
}

/** Writes the index of a complete segment, so that it need not be scanned again. */
export async function sealSegment(path: string, frames: readonly FrameLocation[], segmentBytes: number): Promise<void> {
  const index = getSegmentIndexPath(path);
  await writeFile(`${index}.partial`, encodeSegmentIndex(frames, segmentBytes), { mode: 0o600 });
  await rename(`${index}.partial`, index);
}

/** Reads the index of a segment; undefined when it is not sealed. */
export async function readSegmentIndex(path: string, segmentBytes: number): Promise<FrameLocation[] | undefined> {
  const bytes = await readFile(getSegmentIndexPath(path)).catch(() => undefined);
  return bytes && decodeSegmentIndex(bytes, segmentBytes);
}

/**
 * Finds the complete frames from `start` on, and where they end. Bytes after the end are still being written, or their
 * writer was killed.
 */
export async function scanSegment(
  handle: FileHandle,
  start: number,
  size: number,
): Promise<{ frames: FrameLocation[]; end: number }> {
  const frames: FrameLocation[] = [];
  let end = start;
  while (end < size) {
    const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, size - end));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, end);
    const walked = readFrameHeaders(bytes.subarray(0, bytesRead), end, size, frames);
    if (walked === end) break;
    end = walked;
  }
  return { frames, end };
}

/** Collects the frames whose headers are in `bytes`, and returns the offset of the first one that is not complete. */
function readFrameHeaders(bytes: Buffer, start: number, size: number, frames: FrameLocation[]): number {
  let at = 0;
  for (;;) {
    const header = decodeFrameHeader(bytes.subarray(at, at + FRAME_HEADER_BYTES));
    if (!header || start + at + header.bytes > size) return start + at;
    frames.push({ key: Buffer.from(header.key.subarray(0, 8)), offset: start + at });
    at += header.bytes;
    if (at >= bytes.length) return start + at;
  }
}

/** Opens a segment for reading; undefined when it was deleted. */
export async function openSegment(path: string): Promise<FileHandle | undefined> {
  return await open(path, "r").catch(() => undefined);
}
