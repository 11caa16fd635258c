import { z } from "zod";

/** What scorers with threads and processes get from their registry. */
export interface ScorerResources {
  /** Folder against which relative paths are resolved, and in which commands run. */
  readonly baseDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called when the registry closes. */
  onClose(close: () => Promise<void>): void;
}

export const SANDBOX_OPTIONS = {
  timeLimit: z.number().positive().max(3600).default(10).describe("seconds per sample"),
  memoryLimit: z.int().min(16).max(65536).default(512).describe("memory in MB"),
};
