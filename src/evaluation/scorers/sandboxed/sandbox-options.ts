import { z } from "zod";
import type { PatternRunner } from "#src/evaluation/sandbox/pattern-runner.ts";
import type { ScriptRunner } from "#src/evaluation/sandbox/script-runner.ts";

/** What scorers with threads and processes get from their registry. */
export interface ScorerResources {
  /** Folder against which relative paths are resolved, and in which commands run. */
  readonly baseDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Runners by their limits, where scorers share them; otherwise each has its own. */
  readonly scriptRunners?: Map<string, ScriptRunner>;
  readonly patternRunners?: Map<number, PatternRunner>;
  /** Called when the registry closes. */
  onClose(close: () => Promise<void>): void;
}

export const SANDBOX_OPTIONS = {
  timeLimit: z.number().positive().max(3600).default(10).describe("seconds per sample"),
  memoryLimit: z.int().min(16).max(65536).default(512).describe("memory in MB"),
};
