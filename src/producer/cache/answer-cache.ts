import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, utimes } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { compactFolder, evictSegments, listSegments, scanAndSeal } from "./cache-folder.ts";
import { type CachedAnswer, decodeFrame, decodeFrameHeader, encodeFrame } from "./cache-frame.ts";
import { type FrameLocation, openSegment, readSegmentIndex, SEGMENT_SUFFIX, scanSegment } from "./cache-segment.ts";
import { type AnswerLocation, KeyIndex } from "./key-index.ts";

export interface CacheOptions {
  /** Approximate maximum size of all files. */
  readonly maxBytes: number;
  /** Epoch ms. */
  readonly now: () => number;
  /** Called when the cache cannot be written and stores nothing more; the run continues. */
  readonly onProblem?: (message: string) => void;
}

interface Segment {
  readonly path: string;
  readonly number: number;
  /** Bytes at the start of the file whose frames are in the index. */
  knownBytes: number;
  handle: Promise<FileHandle | undefined> | undefined;
  /** When the modification time of its file was last set, epoch ms. */
  touchedAt: number;
}

interface PendingWrite {
  readonly key: Buffer;
  readonly frame: Buffer;
}

/** A cache has about this many segments; one segment is evicted at a time. */
const SEGMENT_SHARE = 16;
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 64 * 1024;
/** Maximum memory for unwritten answers; when the disk is too slow, further answers are not cached. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const TOUCH_EVERY_MS = 60_000;
const FIRST_READ_BYTES = 8 * 1024;

/**
 * Answers of providers on disk, by key. Any number of processes may use one folder at once. Each process appends to its
 * own segments, and everything that is read is verified, so a kill, a torn write or a damaged byte causes a miss and
 * never a wrong answer. Nothing is fsynced, because any entry may be lost.
 */
export class AnswerCache {
  readonly #folder: string;
  readonly #options: CacheOptions;
  readonly #segmentBytes: number;
  readonly #index = new KeyIndex();
  readonly #segments = new Map<string, Segment>();
  readonly #byNumber: (Segment | undefined)[] = [];
  #refreshing: Promise<boolean> | undefined;
  #writer: { readonly segment: Segment; readonly handle: FileHandle } | undefined;
  #pendingWrites: PendingWrite[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #isDisabled = false;

  private constructor(folder: string, options: CacheOptions) {
    this.#folder = folder;
    this.#options = options;
    const share = Math.floor(options.maxBytes / SEGMENT_SHARE);
    this.#segmentBytes = Math.min(MAX_SEGMENT_BYTES, Math.max(MIN_SEGMENT_BYTES, share));
  }

  /** Opens or creates the cache in `folder`. Throws a RunError when the folder cannot be used. */
  static async open(folder: string, options: CacheOptions): Promise<AnswerCache> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new RunError(
        `${folder}: cannot be used as cache (${errorCode(error)})`,
        "choose another folder with --cache, or remove the option",
        error,
      );
    }
    const cache = new AnswerCache(folder, options);
    await cache.#compact();
    await cache.refresh();
    return cache;
  }

  /** Opens an existing cache for lookups only; empty if the folder does not exist. */
  static async openReadOnly(folder: string): Promise<AnswerCache> {
    const cache = new AnswerCache(folder, { maxBytes: 0, now: Date.now });
    cache.#isDisabled = true;
    await cache.refresh();
    return cache;
  }

  /** Approximate number of answers. */
  get size(): number {
    return this.#index.size;
  }

  /** Whether the index contains an answer. It is not read, so it may turn out to be damaged. */
  has(key: Buffer): boolean {
    return this.#index.find(key).length > 0;
  }

  /** Reads the answers to these keys; undefined for a miss. */
  async find(keys: readonly Buffer[]): Promise<(CachedAnswer | undefined)[]> {
    return await Promise.all(keys.map((key) => this.#findOne(key)));
  }

  /** Indexes what other processes have written; resolves with true if there are new answers. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Stores an answer, in the background. */
  put(key: Buffer, answer: CachedAnswer): void {
    if (this.#isDisabled || this.#pendingBytes > MAX_WAITING_BYTES) return;
    const frame = encodeFrame(key, answer);
    this.#pendingWrites.push({ key, frame });
    this.#pendingBytes += frame.length;
    if (this.#pendingWrites.length === 1) this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves when every process can find all answers of earlier `put` calls. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Seals the segment of this process and closes all files. */
  async close(): Promise<void> {
    await this.flush();
    await this.#refreshing;
    if (this.#writer) await this.#disableOnError(() => this.#finishSegment());
    if (!this.#isDisabled) await this.#disableOnError(() => this.#evict());
    this.#isDisabled = true;
    for (const segment of this.#segments.values()) await (await segment.handle)?.close().catch(() => undefined);
    this.#segments.clear();
  }

  async #findOne(key: Buffer): Promise<CachedAnswer | undefined> {
    for (const location of this.#index.find(key)) {
      const answer = await this.#read(key, location).catch(() => undefined);
      if (answer) return answer;
    }
    return undefined;
  }

  async #read(key: Buffer, { segment: number, offset }: AnswerLocation): Promise<CachedAnswer | undefined> {
    const segment = this.#byNumber[number];
    const handle = segment && (await this.#getHandle(segment));
    if (!handle) return undefined;
    let frame = Buffer.allocUnsafe(FIRST_READ_BYTES);
    const { bytesRead } = await handle.read(frame, 0, frame.length, offset);
    frame = frame.subarray(0, bytesRead);
    const bytes = decodeFrameHeader(frame)?.bytes ?? 0;
    if (bytes > frame.length) {
      frame = Buffer.allocUnsafe(bytes);
      await handle.read(frame, 0, bytes, offset);
    }
    const answer = decodeFrame(key, frame);
    if (answer) this.#touch(segment);
    return answer;
  }

  #getHandle(segment: Segment): Promise<FileHandle | undefined> {
    segment.handle ??= openSegment(segment.path);
    return segment.handle;
  }

  /** Sets the modification time of a segment's file, because the least recently used segment is evicted first. */
  #touch(segment: Segment): void {
    const now = this.#options.now();
    if (now - segment.touchedAt < TOUCH_EVERY_MS) return;
    segment.touchedAt = now;
    utimes(segment.path, new Date(now), new Date(now)).catch(() => undefined);
  }

  async #refresh(): Promise<boolean> {
    const before = this.#index.size;
    const files = await listSegments(this.#folder);
    for (const { path, bytes } of files) {
      const segment = this.#segments.get(path) ?? this.#addSegment(path);
      if (segment !== this.#writer?.segment && bytes > segment.knownBytes) await this.#indexSegment(segment, bytes);
    }
    const existing = new Set(files.map(({ path }) => path));
    await this.#removeSegments([...this.#segments.keys()].filter((path) => !existing.has(path)));
    return this.#index.size > before;
  }

  async #indexSegment(segment: Segment, bytes: number): Promise<void> {
    const known = segment.knownBytes === 0 ? await readSegmentIndex(segment.path, bytes) : undefined;
    if (known) {
      this.#addToIndex(segment, known, bytes);
      return;
    }
    const handle = await this.#getHandle(segment);
    if (!handle) return;
    const { frames, end } = await scanSegment(handle, segment.knownBytes, bytes);
    this.#addToIndex(segment, frames, end);
  }

  #addToIndex(segment: Segment, frames: readonly FrameLocation[], knownBytes: number): void {
    for (const { key, offset } of frames) this.#index.add(key, { segment: segment.number, offset });
    segment.knownBytes = knownBytes;
  }

  #addSegment(path: string): Segment {
    const number = this.#byNumber.length;
    const segment = { path, number, knownBytes: 0, handle: undefined, touchedAt: 0 };
    this.#segments.set(path, segment);
    this.#byNumber.push(segment);
    return segment;
  }

  async #removeSegments(paths: readonly string[]): Promise<void> {
    const gone = paths.flatMap((path) => this.#segments.get(path) ?? []);
    const lost = gone.filter((segment) => segment !== this.#writer?.segment);
    if (lost.length === 0) return;
    for (const segment of lost) {
      this.#segments.delete(segment.path);
      this.#byNumber[segment.number] = undefined;
    }
    this.#index.retainSegments((number) => this.#byNumber[number] !== undefined);
    for (const { handle } of lost) await (await handle)?.close().catch(() => undefined);
  }

  async #write(): Promise<void> {
    const pendingWrites = this.#pendingWrites.splice(0);
    this.#pendingBytes = 0;
    await this.#disableOnError(() => this.#append(pendingWrites));
  }

  async #append(pendingWrites: readonly PendingWrite[]): Promise<void> {
    this.#writer ??= await this.#startSegment();
    const { segment, handle } = this.#writer;
    let offset = segment.knownBytes;
    const buffers = pendingWrites.map(({ frame }) => frame);
    const length = buffers.reduce((sum, frame) => sum + frame.length, 0);
    const { bytesWritten } = await handle.writev(buffers, offset);
    if (bytesWritten < length) throw new Error("incomplete write");
    for (const { key, frame } of pendingWrites) {
      this.#index.add(key, { segment: segment.number, offset });
      offset += frame.length;
    }
    segment.knownBytes = offset;
    if (offset < this.#segmentBytes) return;
    await this.#finishSegment();
    await this.#evict();
  }

  async #startSegment() {
    const name = `${this.#options.now().toString(36)}-${randomBytes(6).toString("hex")}${SEGMENT_SUFFIX}`;
    const path = join(this.#folder, name);
    const handle = await open(path, "wx+", 0o600);
    const segment = this.#addSegment(path);
    segment.handle = Promise.resolve(handle);
    return { segment, handle };
  }

  async #finishSegment(): Promise<void> {
    const segment = this.#writer?.segment;
    this.#writer = undefined;
    if (!segment) return;
    await scanAndSeal(segment.path, segment.knownBytes);
  }

  /** Evicts segments to make room for the segment that is being written. */
  async #evict(): Promise<void> {
    const room = Math.max(0, this.#options.maxBytes - this.#segmentBytes);
    await this.#removeSegments(await evictSegments(this.#folder, room, this.#writer?.segment.path));
  }

  async #compact(): Promise<void> {
    await this.#disableOnError(async () => {
      await compactFolder(this.#folder, this.#segmentBytes, this.#options.now());
      await this.#evict();
    });
  }

  /** An error here does not stop the run: the cache is disabled and reports the problem once. */
  async #disableOnError(work: () => Promise<void>): Promise<void> {
    if (this.#isDisabled) return;
    try {
      await work();
    } catch (error) {
      this.#isDisabled = true;
      this.#pendingWrites = [];
      this.#pendingBytes = 0;
      const reason = errorCode(error) ?? (error instanceof Error ? error.message : "unknown error");
      this.#options.onProblem?.(`the cache ${this.#folder} cannot be written (${reason}); new answers are not cached`);
    }
  }
}
