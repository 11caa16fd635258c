import { stat } from "node:fs/promises";
import type { Clock } from "#src/core/clock.ts";
import { errorCode } from "#src/core/failures/errors.ts";
import { FolderLostError } from "#src/producer/runs/run-error.ts";

const CHECK_INTERVAL_MS = 1_000;

/**
 * Notices that files of a run were deleted or replaced. Files that are open can still be written then, so without a check
 * all remaining calls would be made and paid for, and their answers lost.
 */
export class FolderGuard {
  /** By path. */
  readonly #identities: ReadonlyMap<string, string>;
  readonly #clock: Clock;
  #checkedAt: number;

  private constructor(identities: ReadonlyMap<string, string>, clock: Clock) {
    this.#identities = identities;
    this.#clock = clock;
    this.#checkedAt = clock.monotonic();
  }

  /** Guards those of the files and folders that exist. */
  static async open(paths: readonly string[], clock: Clock): Promise<FolderGuard> {
    const identities = new Map<string, string>();
    for (const path of paths) {
      const identity = await identify(path).catch(() => undefined);
      if (identity !== undefined) identities.set(path, identity);
    }
    return new FolderGuard(identities, clock);
  }

  /** Throws a FolderLostError if a path is not the same any more. Looks at most once a second. */
  async checkRegularly(): Promise<void> {
    if (this.#clock.monotonic() - this.#checkedAt >= CHECK_INTERVAL_MS) await this.check();
  }

  /** Throws a FolderLostError if a path is not the same any more. */
  async check(): Promise<void> {
    this.#checkedAt = this.#clock.monotonic();
    const { deleted, replaced } = await this.findChanges();
    for (const path of [...deleted, ...replaced]) throw new FolderLostError(path);
  }

  /** The guarded paths that do not exist any more, and those that are another file or folder now. */
  async findChanges(): Promise<{ readonly deleted: readonly string[]; readonly replaced: readonly string[] }> {
    const [deleted, replaced]: [string[], string[]] = [[], []];
    for (const [path, expected] of this.#identities) {
      const identity = await identify(path).catch((error) => {
        if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
        // A network drive may be unavailable for a moment; writes report errors that last.
        return expected;
      });
      if (identity === undefined) deleted.push(path);
      else if (identity !== expected) replaced.push(path);
    }
    return { deleted, replaced };
  }
}

async function identify(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}
