// A small file system for the output folder, which a fault can fill.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SIZE_MB = 64;
/** Half of the vectors of a round: the limit of a file where no file system can be mounted. */
const FILE_LIMIT_BLOCKS = 2_000;

export interface SmallDisk {
  /** For the table: how the disk is simulated. */
  readonly method: "tmpfs" | "RLIMIT_FSIZE";
  /** A command that runs the first process of the round; later ones run without. */
  readonly prefix: readonly string[];
  fill(): void;
  free(): void;
  remove(): void;
}

const mounted = new Set<string>();

/**
 * Mounts a tmpfs at `folder`. Where that is not permitted, `prefix` limits the size of every file instead: a write beyond
 * it fails with EFBIG.
 */
export function createSmallDisk(folder: string): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MB}m`, "tmpfs", folder]).status === 0;
  if (!isMounted) {
    const limit = ["sh", "-c", `ulimit -f ${FILE_LIMIT_BLOCKS}; exec "$@"`, "sh"];
    return {
      method: "RLIMIT_FSIZE",
      prefix: limit,
      fill: () => undefined,
      free: () => undefined,
      remove: () => undefined,
    };
  }
  mounted.add(folder);
  const filler = join(folder, "filler");
  return {
    method: "tmpfs",
    prefix: [],
    fill() {
      for (let size = SIZE_MB * 2 ** 20, part = 0; size >= 4_096; part += 1) {
        try {
          writeFileSync(`${filler}-${part}`, Buffer.alloc(size));
        } catch {
          // What was written of it stays and fills the disk; smaller parts fill the rest.
          size = Math.floor(size / 4);
        }
      }
    },
    free() {
      for (let part = 0; part < 100; part++) rmSync(`${filler}-${part}`, { force: true });
    },
    remove: () => unmount(folder),
  };
}

/** Unmounts all file systems of unfinished rounds. */
export function unmountAll(): void {
  for (const folder of mounted) unmount(folder);
}

function unmount(folder: string): void {
  spawnSync("umount", ["-l", folder]);
  mounted.delete(folder);
}
