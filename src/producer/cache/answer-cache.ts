import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, utimes } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "#src/core/errors.ts";
import { compactFolder, evictSegments, listSegments, scanAndSeal } from "./cache-folder.ts";
import { type CachedAnswer, decodeFrame, decodeFrameHeader, encodeFrame } from "./cache-frame.ts";
import { type FrameLocation, openSegment, readSegmentIndex, SEGMENT_SUFFIX, scanSegment } from "./cache-segment.ts";
import { type AnswerLocation, KeyIndex } from "./key-index.ts";

export interface CacheOptions {
  /** What all its files together may hold, about. */
  readonly maxBytes: number;
  /** Epoch ms. */
  readonly now: () => number;
  /** The cache could not be written, and keeps nothing new from here on; the run goes on without. */
  readonly onProblem?: (message: string) => void;
}

interface Segment {
  readonly path: string;
  readonly number: number;
  /** What is in the index: the frames before it. */
  knownBytes: number;
  handle: Promise<FileHandle | undefined> | undefined;
  /** When its file was last told that it is in use, epoch ms. */
  touchedAt: number;
}

interface PendingWrite {
  readonly key: Buffer;
  readonly frame: Buffer;
}

/** The part of a cache that is dropped at once; small enough that what is dropped is not much. */
const SEGMENT_SHARE = 16;
const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 64 * 1024;
/** Answers that come faster than a disk can write are worth less than the memory they would take. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const TOUCH_EVERY_MS = 60_000;
const FIRST_READ_BYTES = 8 * 1024;

/**
 * Answers of providers on disk, found by key; any number of processes may use one folder at once. Each writes segments
 * of its own and only appends, and whatever is read is checked, so a kill, a torn write or a damaged byte makes a miss
 * and never a wrong answer. It is a cache: it may forget anything, and nothing is fsynced.
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

  /** Opens the cache in `folder`, or makes it. Throws a RunError when it cannot be used. */
  static async open(folder: string, options: CacheOptions): Promise<AnswerCache> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new RunError(
        `${folder}: cannot be used as cache (${errorCode(error)})`,
        "name another folder with --cache, or leave it out",
        error,
      );
    }
    const cache = new AnswerCache(folder, options);
    await cache.#compact();
    await cache.refresh();
    return cache;
  }

  /** Opens what is there, for looking only; without a folder it is empty. */
  static async openReadOnly(folder: string): Promise<AnswerCache> {
    const cache = new AnswerCache(folder, { maxBytes: 0, now: Date.now });
    cache.#isDisabled = true;
    await cache.refresh();
    return cache;
  }

  /** Answers that can probably be found. */
  get size(): number {
    return this.#index.size;
  }

  /** Whether there is probably an answer: nothing was read, and it may turn out damaged. */
  has(key: Buffer): boolean {
    return this.#index.find(key).length > 0;
  }

  /** The answers to these keys, as far as they are here. */
  async find(keys: readonly Buffer[]): Promise<(CachedAnswer | undefined)[]> {
    return await Promise.all(keys.map((key) => this.#findOne(key)));
  }

  /** Learns what other processes have written since; true when there is more than before. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Keeps an answer, in the background. */
  put(key: Buffer, answer: CachedAnswer): void {
    if (this.#isDisabled || this.#pendingBytes > MAX_WAITING_BYTES) return;
    const frame = encodeFrame(key, answer);
    this.#pendingWrites.push({ key, frame });
    this.#pendingBytes += frame.length;
    if (this.#pendingWrites.length === 1) this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves when every process can find what was put before. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Ends what this process has written and closes all files. */
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
    for (const place of this.#index.find(key)) {
      const answer = await this.#read(key, place).catch(() => undefined);
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

  /** The time of a segment's file says when it was last of use: what is dropped first is what is longest unused. */
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
    const there = new Set(files.map(({ path }) => path));
    await this.#removeSegments([...this.#segments.keys()].filter((path) => !there.has(path)));
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
    if (bytesWritten < length) throw new Error("the system took only a part");
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

  /** Leaves room for the segment that is being written. */
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

  /** Nothing that goes wrong here is a reason for a run to stop: the cache keeps nothing new, and says so once. */
  async #disableOnError(work: () => Promise<void>): Promise<void> {
    if (this.#isDisabled) return;
    try {
      await work();
    } catch (error) {
      this.#isDisabled = true;
      this.#pendingWrites = [];
      this.#pendingBytes = 0;
      const reason = errorCode(error) ?? (error instanceof Error ? error.message : "unknown error");
      this.#options.onProblem?.(`the cache ${this.#folder} cannot be written (${reason}): it keeps nothing new`);
    }
  }
}
