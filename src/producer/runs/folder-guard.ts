import { stat } from "node:fs/promises";
import type { Clock } from "#src/core/clock.ts";
import { errorCode } from "#src/core/failures/errors.ts";
import { FolderLostError } from "./run-error.ts";

const CHECK_INTERVAL_MS = 1_000;

/**
 * Notices that the work folder of a run was deleted or replaced. Files that are open can still be written then, so without
 * a check all remaining calls would be made and paid for, and their answers lost.
 */
export class FolderGuard {
  readonly #folder: string;
  readonly #identity: string;
  readonly #clock: Clock;
  #checkedAt: number;

  private constructor(folder: string, identity: string, clock: Clock) {
    this.#folder = folder;
    this.#identity = identity;
    this.#clock = clock;
    this.#checkedAt = clock.now();
  }

  static async open(folder: string, clock: Clock): Promise<FolderGuard> {
    return new FolderGuard(folder, await identify(folder), clock);
  }

  /** Throws a FolderLostError if the folder is not the same any more. Looks at most once a second. */
  async checkRegularly(): Promise<void> {
    if (this.#clock.now() - this.#checkedAt >= CHECK_INTERVAL_MS) await this.check();
  }

  /** Throws a FolderLostError if the folder is not the same any more. */
  async check(): Promise<void> {
    this.#checkedAt = this.#clock.now();
    const identity = await identify(this.#folder).catch((error) => {
      if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
      // A network drive may be unavailable for a moment; writes report errors that last.
      return this.#identity;
    });
    if (identity !== this.#identity) throw new FolderLostError(this.#folder);
  }
}

async function identify(folder: string): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  return `${dev}:${ino}`;
}
