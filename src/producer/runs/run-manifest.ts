import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { BATCH_ENDPOINTS } from "#src/producer/openai-batch/lines/openai-line.ts";
import { sealText } from "./sealed-text.ts";

const counts = z.record(z.string(), z.number());
const money = z.object({ amount: z.number(), currency: z.string() });
export const modelCost = z.object({
  /** "minimax/MiniMax-M2" */
  model: z.string(),
  /** Of the answers that needed a call. */
  tokens: z.number(),
  /** Absent if the price of the model is unknown. */
  cost: money.optional(),
});
export type ModelCost = z.infer<typeof modelCost>;

const cacheStats = z.object({
  /** Duplicates of other items of the run. */
  copies: z.int(),
  /** Items that were answered from the cache. */
  cached: z.int(),
  /** The least number of upstream calls that they would have needed. */
  calls: z.int(),
  /** Tokens that the provider would have counted. */
  tokens: z.number(),
  cost: z.exactOptional(money),
});

/** The fields of `run.json` that all kinds of runs share. */
const common = {
  version: z.literal(1),
  run: z.string(),
  /** planned -> running <-> stopped -> writing -> finished */
  state: z.enum(["planned", "running", "stopped", "writing", "finished"]),
  sluice: z.string(),
  /** Given by a user; commands accept the name in place of the run's id. */
  name: z.string().optional(),
  note: z.string().optional(),
  /** "minimax/embo-01"; a list of names if the run has several models. */
  model: z.string(),
  source: z.object({
    paths: z.array(z.string()),
    sha256: z.string(),
    /** Size and hash of stdin, if it was read. */
    stdin: z.exactOptional(z.object({ bytes: z.number(), sha256: z.string() })),
    fingerprint: z.string(),
    files: z.int(),
    skippedFiles: z.int(),
    documents: z.int(),
    bytes: z.number(),
    items: z.int(),
    estimatedTokens: z.number(),
    /** Number of invalid lines, files and records that were skipped because of --skip-invalid. */
    skippedInvalid: z.int(),
  }),
  createdAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  /** Total time for which the run was coordinated, ms. */
  activeMs: z.number(),
  items: z.object({ total: z.int(), succeeded: z.int(), failed: z.int(), missing: z.int() }),
  failuresByKind: counts,
  /** Succeeded items whose answer is a refusal of the model, or was cut off by a content filter. */
  refusals: z.int().optional(),
  /** Succeeded items whose answer has no text and no tool call, and ended with "stop". */
  emptyAnswers: z.int().optional(),
  /** `--chunk-tokens` with which the documents of items that were too long are split; absent if there are none. */
  suggestedChunkTokens: z.int().optional(),
  /** As reported by the provider. */
  tokens: z.number(),
  calls: z.object({
    made: z.int(),
    answered: z.int(),
    failed: z.int(),
    throttled: z.int(),
    /** Calls whose answer could not be used, because a process died, another worker was faster, or they were cut. */
    paidTwice: z.int(),
    /** Those of them that were aborted because they hung: they may have been paid. Absent if there were none. */
    hung: z.int().optional(),
    /** Redis lost data, and counts with it: there were at least so many calls. */
    isLowerBound: z.boolean().optional(),
  }),
  /** Known texts that were sent among the inputs, and those whose vector did not match. Absent if none was sent. */
  canaries: z.object({ sent: z.int(), mismatches: z.int() }).optional(),
  /** Lanes that were parked when the run ended, with the reasons. Absent if there are none. */
  parkedLanes: z.array(z.object({ lane: z.string(), reason: z.string().optional() })).optional(),
  /** Inputs that were delayed because the provider asked to wait. */
  snoozes: z.int(),
  /** Inputs per call as a share of what a call may carry. */
  batchFill: z.number().optional(),
  /** Absent if the price of a model is unknown, or if the prices are in several currencies. */
  cost: money.optional(),
  /** The cost of each model; absent if the run has only one. */
  costs: z.array(modelCost).optional(),
  /** The price that the cost was computed with, per million tokens. */
  price: z
    .object({
      inputPerMillionTokens: z.number().optional(),
      outputPerMillionTokens: z.number().optional(),
      currency: z.string(),
    })
    .optional(),
  /** Items that needed no call; absent if there are none. */
  reused: cacheStats.optional(),
  /** Hashes of the finished output; `sluice verify` compares them. */
  digests: z
    .object({
      version: z.literal(1),
      rows: z.int(),
      files: z.array(z.object({ name: z.string(), bytes: z.number(), sha256: z.string() })).readonly(),
    })
    .optional(),
  /** The Redis counters at the last checkpoint, in case Redis loses them. */
  counters: counts,
};

const embeddingManifest = z.looseObject({
  ...common,
  kind: z.literal("embedding"),
  type: z.enum(["db", "query"]),
  dimensions: z.int().positive().optional(),
  /** Dimensions that its calls ask for; absent if the provider chooses. */
  askedDimensions: z.int().positive().optional(),
  output: z.object({
    format: z.enum(["parquet", "jsonl", "npy"]),
    withText: z.boolean(),
    files: z.array(z.string()),
  }),
});
export type EmbeddingManifest = z.infer<typeof embeddingManifest>;

/** A run whose items are requests: `sluice batch` or `sluice rerank` started it. */
const batchManifest = z.looseObject({
  ...common,
  kind: z.enum(["chat", "embedding", "rerank"]),
  /** The endpoint of all its requests. */
  endpoint: z.enum([...BATCH_ENDPOINTS, "/v1/rerank"]),
  /** "provider/model" of every model that it calls. */
  models: z.array(z.string()).min(1),
  /** What `sluice eval` asked; absent for other runs. */
  evaluation: z
    .object({
      name: z.string(),
      /** Absolute path of the spec. */
      spec: z.string(),
      datasets: z.array(
        z.object({
          name: z.string(),
          path: z.string(),
          sha256: z.string(),
          /** Of the file. */
          bytes: z.int().optional(),
          /** Rows that are used, and how they were chosen. */
          items: z.int(),
          limit: z.int().optional(),
          shuffle: z.int().optional(),
        }),
      ),
      /** Labels of the models. */
      models: z.array(z.string()),
      /** Answers per item, model, and prompt. */
      samples: z.int(),
    })
    .optional(),
  /** Dimensions of an embedding run's vectors, and those that its requests specify, if they do. */
  dimensions: z.int().positive().optional(),
  askedDimensions: z.int().positive().optional(),
  /** Further fields of its embedding requests. */
  embeddingOptions: z.record(z.string(), z.unknown()).optional(),
  /** Its inputs are token ids. */
  tokenIds: z.boolean().optional(),
  output: z.object({
    format: z.literal("batch"),
    files: z.array(z.string()),
    /** Documents per query in the output of `sluice rerank`; all if absent. */
    top: z.int().positive().optional(),
  }),
});
export type BatchManifest = z.infer<typeof batchManifest>;

/**
 * `run.json`: the description, progress and final report of a run. It contains no text of any item and no secret. Only the
 * coordinator writes it, atomically.
 */
export const runManifest = z.union([embeddingManifest, batchManifest]);
export type RunManifest = z.infer<typeof runManifest>;

/** Whether `sluice batch` or `sluice rerank` started the run: its output has a line per request. */
export function isBatch(manifest: RunManifest): manifest is BatchManifest {
  return manifest.output.format === "batch";
}

export const MANIFEST_FILE = "run.json";

/** The manifest of the run in `dir`; undefined if there is none. Throws a RunError if it cannot be read. */
export async function readManifest(dir: string): Promise<RunManifest | undefined> {
  const path = join(dir, MANIFEST_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new RunError(`${path}: cannot be read (${errorCode(error)})`, "Check the permissions of the folder.", error);
  }
  const parsed = runManifest.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new RunError(
    `${path}: not the manifest of a run of this version`,
    "Choose another folder with --out. (--force deletes the run that is there, with its answers.)",
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The manifest as a file. Only that of a finished run has digests, and ends with a hash of everything before it. */
function formatManifest({ sha256: _, digests, ...manifest }: RunManifest): string {
  if (manifest.state === "finished") return sealText(JSON.stringify({ ...manifest, digests }, null, 2));
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Replaces the manifest atomically: after a crash the folder contains either the old or the new one. */
export async function writeManifest(dir: string, manifest: RunManifest): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    const path = join(dir, MANIFEST_FILE);
    // A fixed name, so that the file of a killed process is overwritten by the next one.
    const temporary = `${path}.tmp`;
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(formatManifest(manifest));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    const reason = errorCode(error) === "ENOSPC" ? "the disk is full" : `${errorCode(error)}`;
    throw new RunError(
      `${join(dir, MANIFEST_FILE)}: cannot be written (${reason})`,
      "Free disk space or fix the permissions, then run the same command again.",
      error,
    );
  }
}
