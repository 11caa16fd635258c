import { extname } from "node:path";
import { type LimitedResult, LimitedThread } from "./limited-thread.ts";

export interface PatternRequest {
  readonly source: string;
  /** Contains "g". */
  readonly flags: string;
  readonly text: string;
  readonly position: "first" | "last";
}

/** The match and its groups; null if there is none. */
export type PatternResponse = {
  readonly groups: readonly (string | undefined)[];
  readonly named: Readonly<Record<string, string | undefined>>;
} | null;

const MEMORY_MB = 128;

/** Applies regular expressions of users with a time limit. */
export class PatternRunner {
  readonly #thread: LimitedThread<PatternRequest, PatternResponse>;

  constructor(timeMs: number) {
    const script = new URL(`./pattern-thread${extname(import.meta.url)}`, import.meta.url);
    this.#thread = new LimitedThread(script, { timeMs, memoryMb: MEMORY_MB });
  }

  run(request: PatternRequest, signal?: AbortSignal): Promise<LimitedResult<PatternResponse>> {
    return this.#thread.run(request, signal);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
