import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errorCode, RunError } from "#src/core/errors.ts";

const counts = z.record(z.string(), z.number());

const cacheStats = z.object({
  /** Items that were delivered from an equal one of this run. */
  copies: z.int(),
  /** Items that were answered from the cache. */
  cached: z.int(),
  /** Upstream calls that all of them together would have taken, at least. */
  calls: z.int(),
  /** What the provider would have counted. */
  tokens: z.number(),
  cost: z.exactOptional(z.object({ amount: z.number(), currency: z.string() })),
});

/** What `run.json` says of a run of any kind. */
const common = {
  version: z.literal(1),
  run: z.string(),
  /** planned -> running <-> stopped -> writing -> finished */
  state: z.enum(["planned", "running", "stopped", "writing", "finished"]),
  sluice: z.string(),
  /** "minimax/embo-01"; of a run with several models, all of them. */
  model: z.string(),
  source: z.object({
    paths: z.array(z.string()),
    sha256: z.string(),
    /** What standard input held, where it was read. */
    stdin: z.exactOptional(z.object({ bytes: z.number(), sha256: z.string() })),
    fingerprint: z.string(),
    files: z.int(),
    skippedFiles: z.int(),
    documents: z.int(),
    bytes: z.number(),
    items: z.int(),
    estimatedTokens: z.number(),
    /** Bad lines, files and records left out because of --skip-invalid. */
    skippedInvalid: z.int(),
  }),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  /** Time some coordinator was at work, ms. */
  activeMs: z.number(),
  items: z.object({ total: z.int(), succeeded: z.int(), failed: z.int(), missing: z.int() }),
  failuresByKind: counts,
  /** As the provider reported. */
  tokens: z.number(),
  calls: z.object({
    made: z.int(),
    answered: z.int(),
    failed: z.int(),
    throttled: z.int(),
    /** Calls whose answer nobody got to use, because a process died or another worker had been faster. */
    paidTwice: z.int(),
  }),
  /** Inputs put back because the provider asked to wait. */
  snoozes: z.int(),
  /** Inputs per call as a share of what a call may carry. */
  batchFill: z.number().optional(),
  cost: z.object({ amount: z.number(), currency: z.string() }).optional(),
  /** Results that no call was made for; absent when there are none. */
  reused: cacheStats.optional(),
  /** Counters in Redis at the last checkpoint, for a Redis that loses them. */
  counters: counts,
};

const embeddingManifest = z.looseObject({
  ...common,
  kind: z.literal("embedding"),
  type: z.enum(["db", "query"]),
  dimensions: z.int().positive().optional(),
  output: z.object({
    format: z.enum(["parquet", "jsonl", "npy"]),
    withText: z.boolean(),
    files: z.array(z.string()),
  }),
});
export type EmbeddingManifest = z.infer<typeof embeddingManifest>;

/** A run from a file of requests. */
const batchManifest = z.looseObject({
  ...common,
  kind: z.enum(["chat", "embedding"]),
  /** What all its requests are for. */
  endpoint: z.enum(["/v1/chat/completions", "/v1/embeddings"]),
  /** "provider/model" of every model that a request names. */
  models: z.array(z.string()).min(1),
  /** Of an embedding run's vectors, and what its requests ask for where they do. */
  dimensions: z.int().positive().optional(),
  askedDimensions: z.int().positive().optional(),
  output: z.object({ format: z.literal("batch"), files: z.array(z.string()) }),
});
export type BatchManifest = z.infer<typeof batchManifest>;

/**
 * `run.json`: what a run is, how far it is, and in the end its report. It holds no text of any item and no secret.
 * Written by the run's coordinator only, whole or not at all.
 */
export const runManifest = z.union([embeddingManifest, batchManifest]);
export type RunManifest = z.infer<typeof runManifest>;

/** True for a run from a file of requests, whatever its kind. */
export function isBatch(manifest: RunManifest): manifest is BatchManifest {
  return manifest.output.format === "batch";
}

export const MANIFEST_FILE = "run.json";

/** The manifest of the run in `dir`, or undefined when there is none. Throws a RunError when it cannot be read. */
export async function readManifest(dir: string): Promise<RunManifest | undefined> {
  const path = join(dir, MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new RunError(`${path}: cannot be read (${errorCode(error)})`, "check the folder's permissions", error);
  }
  const parsed = runManifest.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new RunError(
    `${path}: is not the manifest of a run of this version`,
    "choose another folder with --out, or start over with --force",
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaces the manifest; after a crash at any moment there is the old one or the new one, whole. */
export async function writeManifest(dir: string, manifest: RunManifest): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    const path = join(dir, MANIFEST_FILE);
    // One name for all: what a killed process leaves behind is used up by the next one.
    const temporary = `${path}.tmp`;
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    const reason = errorCode(error) === "ENOSPC" ? "the disk is full" : `${errorCode(error)}`;
    throw new RunError(
      `${join(dir, MANIFEST_FILE)}: cannot be written (${reason})`,
      "make room or mend the permissions, then run the same command again",
      error,
    );
  }
}
