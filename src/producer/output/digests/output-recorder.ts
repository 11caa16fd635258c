import { join } from "node:path";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import type { Disk, DiskFile } from "#src/producer/storage/disk.ts";
import { FileHasher } from "./file-hasher.ts";
import { RowDigestWriter } from "./row-digest-writer.ts";

/** What `run.json` records of an output, so that it can be verified later without the run. */
export interface OutputDigests {
  /** Version of the format of `digests.bin`. */
  readonly version: 1;
  /** Rows of the output: records, or requests of a batch file. */
  readonly rows: number;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

/** Records the digests of an output while it is written to a folder. */
export class OutputRecorder {
  /** Opens the files of the output. They must be written from start to end. */
  readonly disk: Disk;
  readonly rows: RowDigestWriter;
  readonly #hasher: FileHasher;
  readonly #folder: string;
  /** Paths of files that get into the folder only when they are complete, by name. */
  readonly #paths = new Map<string, string>();

  private constructor(disk: Disk, rows: RowDigestWriter, hasher: FileHasher, folder: string) {
    this.disk = disk;
    this.rows = rows;
    this.#hasher = hasher;
    this.#folder = folder;
  }

  static async create(disk: Disk, folder: string): Promise<OutputRecorder> {
    const hasher = new FileHasher();
    const followed = followWrites(disk, (path, position) => hasher.advance(path, position));
    const rows = await RowDigestWriter.create(followed, join(folder, RESULT_FILES.digests));
    return new OutputRecorder(followed, rows, hasher, folder);
  }

  /** For a file of the output that is written at another path: all bytes before `position` are final. */
  advance(name: string, path: string, position: number): void {
    this.#paths.set(name, path);
    this.#hasher.advance(path, position);
  }

  /** The digests of the complete and durable output; makes those of the rows durable. */
  async finish(names: readonly string[]): Promise<OutputDigests> {
    await this.rows.finish();
    const files = await Promise.all(
      names.map(async (name) => ({
        name,
        ...(await this.#hasher.finish(this.#paths.get(name) ?? join(this.#folder, name))),
      })),
    );
    return { version: 1, rows: this.rows.rows, files };
  }

  async close(): Promise<void> {
    await this.rows.close();
  }
}

/** Calls `onWritten` with the end of the bytes that were written without a gap from the start of a file. */
function followWrites(disk: Disk, onWritten: (path: string, end: number) => void): Disk {
  return {
    ...disk,
    syncFolder: (path) => disk.syncFolder(path),
    open: async (path) => {
      const file = await disk.open(path);
      let end = 0;
      const followed: DiskFile = {
        write: async (buffers, position) => {
          await file.write(buffers, position);
          if (position !== end) return;
          end += buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
          onWritten(path, end);
        },
        read: (into, position) => file.read(into, position),
        sync: () => file.sync(),
        size: () => file.size(),
        truncate: (bytes) => file.truncate(bytes),
        close: () => file.close(),
      };
      return followed;
    },
  };
}
