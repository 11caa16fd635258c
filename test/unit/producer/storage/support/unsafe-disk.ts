import { basename } from "node:path";
import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";

interface Change {
  readonly path: string;
  readonly position: number;
  /** Absent: a truncation to `position`. */
  readonly bytes?: Buffer;
}

const SECTOR_BYTES = 512;

/**
 * A disk in memory, whose files have a name but no folder, that behaves like a real one with a cache: what was not synced may be there, or not, or in part,
 * after the power fails. `fail` makes writes reject, as a full disk does.
 */
export class UnsafeDisk implements Disk {
  readonly #durable = new Map<string, Buffer<ArrayBufferLike>>();
  readonly #cached = new Map<string, Buffer<ArrayBufferLike>>();
  #unsynced: Change[] = [];
  /** Bytes that may still be written before every write fails with ENOSPC. */
  bytesLeft = Number.POSITIVE_INFINITY;
  syncs = 0;

  constructor(files: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [path, bytes] of files) {
      this.#durable.set(path, Buffer.from(bytes));
      this.#cached.set(path, Buffer.from(bytes));
    }
  }

  /** The disk as the next process finds it after a kill: everything written is there. */
  afterKill(): UnsafeDisk {
    return new UnsafeDisk(this.#cached);
  }

  /** The disk after a power cut; `keep` decides for each unsynced sector whether it had reached the platter. */
  afterPowerCut(keep: () => boolean): UnsafeDisk {
    const files = new Map<string, Buffer<ArrayBufferLike>>(this.#durable);
    for (const change of this.#unsynced) {
      if (change.bytes === undefined) {
        if (keep()) files.set(change.path, (files.get(change.path) ?? Buffer.alloc(0)).subarray(0, change.position));
        continue;
      }
      let at = 0;
      while (at < change.bytes.length) {
        const position = change.position + at;
        const length = Math.min(change.bytes.length - at, SECTOR_BYTES - (position % SECTOR_BYTES));
        if (keep()) {
          files.set(change.path, patch(files.get(change.path), change.bytes.subarray(at, at + length), position));
        }
        at += length;
      }
    }
    return new UnsafeDisk(files);
  }

  file(path: string): Buffer {
    return this.#cached.get(path) ?? Buffer.alloc(0);
  }

  async openExisting(path: string): Promise<DiskFile | undefined> {
    return this.#cached.has(basename(path)) ? this.open(path) : undefined;
  }

  async open(fullPath: string): Promise<DiskFile> {
    const path = basename(fullPath);
    if (!this.#cached.has(path)) this.#change({ path, position: 0, bytes: Buffer.alloc(0) });
    const disk = this;
    return {
      async write(buffers, position) {
        await Promise.resolve();
        disk.#write(path, Buffer.concat(buffers), position);
      },
      async read(into, position) {
        return disk.file(path).copy(into, 0, Math.min(position, disk.file(path).length));
      },
      async sync() {
        await Promise.resolve();
        disk.#sync(path);
      },
      size: async () => disk.file(path).length,
      truncate: async (size) => disk.#change({ path, position: size }),
      close: async () => {},
    };
  }

  async syncFolder(): Promise<void> {}

  #write(path: string, bytes: Buffer, position: number): void {
    const taken = bytes.subarray(0, Math.max(0, Math.min(bytes.length, this.bytesLeft)));
    this.bytesLeft -= taken.length;
    this.#change({ path, position, bytes: Buffer.from(taken) });
    if (taken.length < bytes.length) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  }

  #change(change: Change): void {
    const before = this.#cached.get(change.path);
    if (change.bytes === undefined) this.#cached.set(change.path, this.file(change.path).subarray(0, change.position));
    else this.#cached.set(change.path, patch(before, change.bytes, change.position));
    this.#unsynced.push(change);
  }

  #sync(path: string): void {
    this.syncs += 1;
    this.#durable.set(path, Buffer.from(this.file(path)));
    this.#unsynced = this.#unsynced.filter((change) => change.path !== path);
  }
}

function patch(before: Buffer = Buffer.alloc(0), bytes: Buffer, position: number): Buffer {
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  bytes.copy(after, position);
  return after;
}
