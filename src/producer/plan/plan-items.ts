import { mkdir } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { errorCode, InputError, RunError } from "#src/core/failures/errors.ts";
import { MIN_CHUNK_TOKENS } from "#src/producer/input/chunking/chunk-limits.ts";
import { listSources, type SourceListing } from "#src/producer/input/list-sources.ts";
import { readSource } from "#src/producer/input/read-source.ts";
import type { Finding, SourceFile, SourceOptions } from "#src/producer/input/source.ts";
import type { ByteTap } from "#src/producer/input/source-bytes.ts";
import { ItemWriter } from "#src/producer/storage/item-writer.ts";
import { toRunDatabaseError } from "#src/producer/storage/run-database.ts";
import { isSqliteError } from "#src/sqlite/database-error.ts";
import { fingerprintListing } from "./fingerprint-sources.ts";
import type { Plan, PlanProgress } from "./plan.ts";
import { PlanBuilder, type PlanOptions } from "./plan-builder.ts";

export interface PlanHooks {
  /** Called several times per second, and once at the end. */
  readonly onProgress?: (progress: PlanProgress) => void;
  readonly signal?: AbortSignal;
}

/** Interval of progress reports, and of yielding to the event loop so that signals and timers are handled. */
const YIELD_INTERVAL_MS = 50;

/**
 * Reads all sources once, checks everything in them, and writes the items to a run database in `dir`, which appears
 * complete or not at all. Without `skipInvalid`, any problem rejects the plan: it has problems and no database. With
 * it, invalid input is skipped and counted. A plan without items is always rejected. Rejects with an InputError for
 * invalid options, a RunError when the database cannot be written, and the signal's reason on abort.
 */
export async function planItems(options: SourceOptions, dir: string, hooks: PlanHooks = {}): Promise<Plan> {
  const reader: SourceReader = {
    read: (file, tap) => readSource(file, options, tap),
    fingerprint: (listing) => fingerprintListing(options, listing),
  };
  return await planWithReader(reader, { ...options, duplicateKey: ({ text }) => text }, dir, hooks);
}

/** Converts files to documents. */
export interface SourceReader {
  readonly read: (file: SourceFile, tap: ByteTap) => AsyncIterable<readonly Finding[]>;
  readonly fingerprint: (listing: SourceListing) => string;
}

/** Like `planItems`, with another reader. */
export async function planWithReader(
  reader: SourceReader,
  options: PlanOptions,
  dir: string,
  hooks: PlanHooks = {},
): Promise<Plan> {
  checkOptions(options);
  hooks.signal?.throwIfAborted();
  // Without this, a reader that waits for an idle pipe could not be interrupted.
  if (hooks.signal !== undefined && options.stdin !== undefined) addAbortSignal(hooks.signal, options.stdin);
  const listing = await listSources(options);
  return wrapDiskErrors(dir, async () => {
    await mkdir(dir, { recursive: true });
    const writer = await ItemWriter.create(dir);
    const builder = new PlanBuilder(options, writer, listing);
    try {
      await readAll(reader, listing, builder, hooks);
      return await finishPlan(builder, writer, reader.fingerprint(listing), options);
    } finally {
      await writer.close();
    }
  });
}

async function readAll(
  reader: SourceReader,
  listing: SourceListing,
  builder: PlanBuilder,
  { onProgress, signal }: PlanHooks,
): Promise<void> {
  let lastYieldAt = performance.now();
  for (const file of listing.files) {
    if (builder.isFull) break;
    builder.startFile(file);
    for await (const findings of reader.read(file, builder.tap)) {
      if (!(await addFindings(findings, file))) break;
    }
    builder.endFile();
  }
  onProgress?.(builder.progress());

  /** Returns false when the plan has reached its limit. */
  async function addFindings(findings: readonly Finding[], file: SourceFile): Promise<boolean> {
    // Readers also yield groups without findings, only to be interrupted.
    await yieldToEventLoop();
    for (const finding of findings) {
      for await (const _ of builder.addFinding(finding, file)) await yieldToEventLoop();
      if (builder.isFull) return false;
    }
    signal?.throwIfAborted();
    return true;
  }

  async function yieldToEventLoop(): Promise<void> {
    if (performance.now() - lastYieldAt < YIELD_INTERVAL_MS) return;
    await setImmediate();
    signal?.throwIfAborted();
    onProgress?.(builder.progress());
    lastYieldAt = performance.now();
  }
}

async function finishPlan(
  builder: PlanBuilder,
  writer: ItemWriter,
  fingerprint: string,
  options: SourceOptions,
): Promise<Plan> {
  if (writer.items === 0 && !builder.hasProblems) {
    builder.addProblem({ where: options.paths.join(" "), message: "contains no items" });
  }
  const isAccepted = writer.items > 0 && (!builder.hasProblems || options.skipInvalid);
  if (isAccepted) await writer.commit();
  return builder.plan(isAccepted, fingerprint);
}

function checkOptions({ paths, chunk, maxTokens, limit }: SourceOptions): void {
  if (paths.length === 0) throw new InputError("no sources were given; pass files, folders, globs or -");
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new InputError(`expected a whole number from 1, got ${limit}`, "--limit");
  }
  if (chunk === undefined) return;
  const { tokens, overlap } = chunk;
  if (!(Number.isSafeInteger(tokens) && tokens >= MIN_CHUNK_TOKENS)) {
    throw new InputError(`expected a whole number from ${MIN_CHUNK_TOKENS}, got ${tokens}`, "--chunk-tokens");
  }
  if (!(Number.isSafeInteger(overlap) && overlap >= 0 && overlap <= tokens / 2)) {
    throw new InputError(`expected a whole number from 0 to half of ${tokens}, got ${overlap}`, "--chunk-overlap");
  }
  if (maxTokens !== undefined && tokens > maxTokens) {
    throw new InputError(`${tokens} is more than the ${maxTokens} tokens that the model accepts`, "--chunk-tokens");
  }
}

/** Converts errors of the disk and of the database to RunErrors. */
async function wrapDiskErrors<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSqliteError(error)) throw toRunDatabaseError(error, dir);
    const code = errorCode(error);
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new RunError(`${dir}: the disk is full`, "free some space and run the same command again", error);
    }
    if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST") {
      throw new RunError(`${dir}: cannot be written (${code})`, "choose another output folder", error);
    }
    throw error;
  }
}
