import { open } from "node:fs/promises";
import { errorCode } from "#src/core/failures/errors.ts";

/** How scores differ from those of the last scoring. */
export interface ScoreChanges {
  readonly changed: number;
  /** Ids of the first ones. */
  readonly ids: readonly string[];
}

const SHOWN_IDS = 20;

/** Compares lines of `samples.jsonl` with those of the last scoring, which has the same samples in the same order. */
export class PreviousScores {
  readonly #lines: AsyncIterator<string>;
  readonly #close: () => Promise<void>;
  #changed = 0;
  readonly #ids: string[] = [];

  private constructor(lines: AsyncIterator<string>, close: () => Promise<void>) {
    this.#lines = lines;
    this.#close = close;
  }

  /** Undefined if there was no scoring. */
  static async open(path: string): Promise<PreviousScores | undefined> {
    try {
      const file = await open(path);
      return new PreviousScores(file.readLines()[Symbol.asyncIterator](), () => file.close());
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async compare(id: string, line: string): Promise<void> {
    const { value } = await this.#lines.next();
    if (value === undefined || value === line.trimEnd() || readScores(value) === readScores(line)) return;
    this.#changed += 1;
    if (this.#ids.length < SHOWN_IDS) this.#ids.push(id);
  }

  async finish(): Promise<ScoreChanges> {
    await this.close();
    return { changed: this.#changed, ids: this.#ids };
  }

  async close(): Promise<void> {
    await this.#lines.return?.();
    await this.#close();
  }
}

/** Status and value of every score, as text; undefined if the line is damaged. */
function readScores(line: string): string | undefined {
  try {
    const { scores = {} } = JSON.parse(line) as { scores?: Record<string, { status?: unknown; value?: unknown }> };
    return JSON.stringify(Object.entries(scores).map(([name, { status, value }]) => [name, status, value]));
  } catch {
    return undefined;
  }
}
