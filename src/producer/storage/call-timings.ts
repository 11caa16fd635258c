import { type FileHandle, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#src/core/failures/errors.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import type { RecordCall, WireRecord } from "#src/state/record-format/record-codec.ts";
import { type Disk, type DiskFile, systemDisk } from "./disk.ts";
import { WORK_FOLDER } from "./open-files.ts";
import { planSlotWrites } from "./plan-writes.ts";

/*
 * Times of the calls that returned results, shown for single items: 8 bytes per item at a fixed position, so that one is
 * found without reading the others, and adjacent ones are written together.
 *
 *   header  4,096 bytes: JSON { version, base (epoch ms), lanes (names) }, padded with spaces
 *   item    u32 LE start in hundredths of a second after base | u32 LE: ms of the call << 8, lane (0 none, 1 first)
 *
 * Nothing waits for it and it is never synced: a power failure may lose the last seconds, which then show as unknown.
 */
const HEADER_BYTES = 4_096;
const SLOT_BYTES = 8;
const UNIT_MS = 10;
const MAX_START = 0xffff_ffff;
const MAX_DURATION_MS = 0xff_ffff;
/** The last number stands for all lanes that do not fit into the header. */
const MAX_LANES = 255;
const DAY_MS = 24 * 3600_000;

interface Header {
  readonly version: 1;
  readonly base: number;
  readonly lanes: string[];
}

/** Records the calls of one run's results in its work folder. */
export class CallTimings {
  readonly #file: DiskFile;
  readonly #header: Header;
  #isHeaderWritten: boolean;
  #waiting: WireRecord[] = [];
  #writing: Promise<void> | undefined;
  #isBroken = false;

  private constructor(file: DiskFile, header: Header, isHeaderWritten: boolean) {
    this.#file = file;
    this.#header = header;
    this.#isHeaderWritten = isHeaderWritten;
  }

  /** Continues the file of an earlier process. `createdAt` is the creation time of the run, epoch ms. */
  static async open(dir: string, createdAt: number, disk: Disk = systemDisk): Promise<CallTimings> {
    const file = await disk.open(join(dir, WORK_FOLDER, RESULT_FILES.calls));
    const bytes = Buffer.alloc(HEADER_BYTES);
    const read = await file.read(bytes, 0);
    const known = parseHeader(bytes.subarray(0, read));
    if (known) return new CallTimings(file, known, true);
    await file.truncate(0);
    // One day earlier, because the clock of Redis may differ and times before the base cannot be stored.
    return new CallTimings(file, { version: 1, base: createdAt - DAY_MS, lanes: [] }, false);
  }

  /** Queues the calls of stored records to be written in the background. */
  recordCalls(records: readonly WireRecord[]): void {
    if (this.#isBroken) return;
    for (const record of records) if (record.call && !record.failure) this.#waiting.push(record);
    if (this.#waiting.length === 0) return;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close().catch(() => undefined);
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0));
    } catch {
      // Disk errors are reported by the record store; call timings are only informative.
      this.#isBroken = true;
      this.#waiting = [];
    }
  }

  async #write(records: readonly WireRecord[]): Promise<void> {
    const bytes = Buffer.alloc(records.length * SLOT_BYTES);
    const slots = records.map(({ index, call }, i) => {
      if (call) this.#encode(call, bytes, i * SLOT_BYTES);
      return { index, bytes: bytes.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES) };
    });
    if (!this.#isHeaderWritten) await this.#writeHeader();
    // An item may occur twice in one reply; both records describe a call that was made.
    const distinct = [...new Map(slots.map((slot) => [slot.index, slot])).values()];
    for (const { buffers, position } of planSlotWrites(distinct, SLOT_BYTES, HEADER_BYTES)) {
      await this.#file.write(buffers, position);
    }
  }

  #encode({ lane, startedAt, durationMs }: RecordCall, bytes: Buffer, at: number): void {
    const start = Math.round((startedAt - this.#header.base) / UNIT_MS);
    const duration = Math.round(Math.min(MAX_DURATION_MS, Math.max(0, durationMs)));
    bytes.writeUInt32LE(Math.min(MAX_START, Math.max(0, start)), at);
    bytes.writeUInt32LE(duration * 256 + this.#laneNumber(lane), at + 4);
  }

  #laneNumber(lane: string): number {
    const { lanes } = this.#header;
    const known = lanes.indexOf(lane);
    if (known !== -1) return known + 1;
    const more: Header = { ...this.#header, lanes: [...lanes, lane] };
    if (lanes.length >= MAX_LANES - 1 || encodeHeader(more).length > HEADER_BYTES) return MAX_LANES;
    lanes.push(lane);
    this.#isHeaderWritten = false;
    return lanes.length;
  }

  async #writeHeader(): Promise<void> {
    const header = Buffer.alloc(HEADER_BYTES, " ");
    encodeHeader(this.#header).copy(header);
    await this.#file.write([header], 0);
    this.#isHeaderWritten = true;
  }
}

/** Moves the call timings to the output folder, before the work folder is deleted. */
export async function preserveCallTimings(dir: string): Promise<void> {
  await rename(join(dir, WORK_FOLDER, RESULT_FILES.calls), join(dir, RESULT_FILES.calls)).catch(() => undefined);
}

/** Reads the call that returned the result of an item; undefined when it was not recorded. An unknown lane is "". */
export async function readCallTiming(dir: string, index: number): Promise<RecordCall | undefined> {
  return (
    (await readTiming(join(dir, WORK_FOLDER, RESULT_FILES.calls), index)) ??
    (await readTiming(join(dir, RESULT_FILES.calls), index))
  );
}

/** 1 MiB of slots per read. */
const SLOTS_PER_READ = 131_072;

/** Finds the `count` items whose calls ended last, the latest last; reads the timings of all items. Empty without a file. */
export async function readLatestCalls(
  dir: string,
  count: number,
): Promise<{ readonly index: number; readonly at: number }[]> {
  for (const path of [join(dir, WORK_FOLDER, RESULT_FILES.calls), join(dir, RESULT_FILES.calls)]) {
    const file = await openTimings(path);
    if (!file) continue;
    try {
      const header = Buffer.alloc(HEADER_BYTES);
      await file.read(header, 0, HEADER_BYTES, 0);
      const base = parseHeader(header)?.base;
      if (base === undefined) continue;
      const latest = await findLatest(file, count);
      return latest.map(({ index, end }) => ({ index, at: base + end }));
    } finally {
      await file.close();
    }
  }
  return [];
}

/** Returns the latest ends of calls, in ms after the base. */
async function findLatest(file: FileHandle, count: number): Promise<{ index: number; end: number }[]> {
  const bytes = Buffer.alloc(SLOTS_PER_READ * SLOT_BYTES);
  let latest: { index: number; end: number }[] = [];
  let least = -1;
  for (let first = 0; ; first += SLOTS_PER_READ) {
    const { bytesRead } = await file.read(bytes, 0, bytes.length, HEADER_BYTES + first * SLOT_BYTES);
    for (let at = 0; at + SLOT_BYTES <= bytesRead; at += SLOT_BYTES) {
      const call = bytes.readUInt32LE(at + 4);
      const end = bytes.readUInt32LE(at) * UNIT_MS + (call >>> 8);
      if (call === 0 || end <= least) continue;
      latest.push({ index: first + at / SLOT_BYTES, end });
      if (latest.length < 4 * count) continue;
      latest = latest.sort((a, b) => a.end - b.end).slice(-count);
      least = latest[0]?.end ?? least;
    }
    if (bytesRead < bytes.length) return latest.sort((a, b) => a.end - b.end).slice(-count);
  }
}

async function openTimings(path: string): Promise<FileHandle | undefined> {
  return await open(path, "r").catch((error) => {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

async function readTiming(path: string, index: number): Promise<RecordCall | undefined> {
  const file = await openTimings(path);
  if (!file) return undefined;
  try {
    const bytes = Buffer.alloc(HEADER_BYTES + SLOT_BYTES);
    const { bytesRead } = await file.read(bytes, 0, HEADER_BYTES, 0);
    const header = parseHeader(bytes.subarray(0, bytesRead));
    const slot = bytes.subarray(HEADER_BYTES);
    const read = await file.read(slot, 0, SLOT_BYTES, HEADER_BYTES + index * SLOT_BYTES);
    const call = slot.readUInt32LE(4);
    if (!header || read.bytesRead < SLOT_BYTES || call === 0) return undefined;
    return {
      lane: header.lanes[(call & 0xff) - 1] ?? "",
      startedAt: header.base + slot.readUInt32LE(0) * UNIT_MS,
      durationMs: call >>> 8,
    };
  } finally {
    await file.close();
  }
}

function encodeHeader(header: Header): Buffer {
  return Buffer.from(`${JSON.stringify(header)}\n`);
}

function parseHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  try {
    const { version, base, lanes } = JSON.parse(bytes.toString("utf8")) as Partial<Header>;
    const isOurs = version === 1 && typeof base === "number" && Array.isArray(lanes);
    return isOurs ? { version, base, lanes } : undefined;
  } catch {
    return undefined;
  }
}
