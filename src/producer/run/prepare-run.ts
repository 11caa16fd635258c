import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, RunError } from "../../core/errors.ts";
import type { EmbeddingPurpose } from "../../providers/provider.ts";
import { fingerprintSources } from "../plan/fingerprint-sources.ts";
import type { Plan, PlanProgress } from "../plan/plan.ts";
import { planItems } from "../plan/plan-items.ts";
import { WORK_FOLDER } from "../sink/open-files.ts";
import { RESULT_FILES, type ResultFormat } from "../sink/result-writer.ts";
import type { SourceOptions } from "../sources/source.ts";
import { lockFolder } from "./folder-lock.ts";
import { MANIFEST_FILE, type RunManifest, readManifest, writeManifest } from "./run-manifest.ts";

export interface RunRequest {
  readonly sources: SourceOptions;
  /** Output folder, absolute. */
  readonly dir: string;
  readonly provider: string;
  readonly model: string;
  readonly dimensions?: number;
  readonly purpose: EmbeddingPurpose;
  readonly format: ResultFormat;
  readonly withText: boolean;
  /** Throw away what the folder holds of another run. */
  readonly force: boolean;
  readonly sluiceVersion: string;
  readonly now: number;
}

export interface PreparedRun {
  readonly dir: string;
  readonly spool: string;
  readonly manifest: RunManifest;
  readonly provider: string;
  readonly model: string;
  readonly resumed: boolean;
  /** Gives the folder back; idempotent. */
  readonly unlock: () => Promise<void>;
}

export type Preparation =
  | { readonly outcome: "ready"; readonly run: PreparedRun }
  /** The folder holds this very run, finished. */
  | { readonly outcome: "finished"; readonly manifest: RunManifest }
  /** The sources have problems; nothing was kept and nothing will be sent. */
  | { readonly outcome: "refused"; readonly plan: Plan };

export interface PrepareHooks {
  readonly onProgress?: (progress: PlanProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Turns a request into a run in its output folder: plans a new one, or takes up the one that is there. A folder with
 * another run is refused, so that no command ever mixes two runs. Needs no Redis and sends nothing.
 */
export async function prepareRun(request: RunRequest, hooks: PrepareHooks = {}): Promise<Preparation> {
  const { dir } = request;
  const work = join(dir, WORK_FOLDER);
  await makeFolder(dir);
  const before = request.force ? undefined : await readManifest(dir);
  if (before) {
    await checkSameRun(before, request);
    if (before.state === "finished") return { outcome: "finished", manifest: before };
  }
  const unlock = await lockFolder(work);
  try {
    if (before) return { outcome: "ready", run: await resume(before, request, unlock) };
    await clearFolder(request, work);
    const plan = await planItems({ ...request.sources, exclude: [dir] }, work, hooks);
    if (plan.spool === undefined) {
      await unlock();
      await rm(work, { recursive: true, force: true });
      // A folder made for nothing goes again; one with anything in it stays.
      await rmdir(dir).catch(() => undefined);
      return { outcome: "refused", plan };
    }
    const manifest = newManifest(request, plan);
    await writeManifest(dir, manifest);
    return { outcome: "ready", run: prepared(manifest, plan.spool, request, false, unlock) };
  } catch (error) {
    await unlock();
    throw error;
  }
}

function prepared(
  manifest: RunManifest,
  spool: string,
  { dir, provider, model }: RunRequest,
  resumed: boolean,
  unlock: () => Promise<void>,
): PreparedRun {
  return { dir, spool, manifest, provider, model, resumed, unlock };
}

async function resume(
  before: RunManifest,
  request: RunRequest,
  unlock: () => Promise<void>,
): Promise<PreparedRun> {
  const { format, withText } = request;
  const manifest = { ...before, output: { ...before.output, format, withText } };
  const spool = join(request.dir, WORK_FOLDER, "items.jsonl");
  return prepared(manifest, spool, request, true, unlock);
}

/** The folder's run must be the one asked for: same model, same input, cut into the same items. */
async function checkSameRun(before: RunManifest, request: RunRequest): Promise<void> {
  const { dir, provider, model, purpose, sources } = request;
  const differences: string[] = [];
  if (before.model !== `${provider}/${model}`) differences.push(`it uses the model ${before.model}`);
  if (before.type !== purpose) differences.push(`it was made with --type ${before.type}`);
  const usesStdin = sources.paths.includes("-");
  if (usesStdin !== before.source.paths.includes("-")) {
    differences.push("its input came from elsewhere");
  } else if ((await fingerprintSources({ ...sources, exclude: [dir] })) !== before.source.fingerprint) {
    differences.push("its input files, or the options that cut them into items, were different");
  }
  if (differences.length === 0) return;
  throw new RunError(
    `${dir} holds another run (${before.run}, ${before.state}): ${differences.join("; ")}`,
    "choose another folder with --out, or throw that run away with --force",
  );
}

/** Makes room for a new run. Only what runs write is removed; a folder with other files in it is refused. */
async function clearFolder({ dir, force }: RunRequest, work: string): Promise<void> {
  const ours = new Set<string>([MANIFEST_FILE, WORK_FOLDER, ...Object.values(RESULT_FILES)]);
  const names = await readdir(dir);
  const strangers = names.filter((name) => !ours.has(name) && !name.startsWith(`${MANIFEST_FILE}.`));
  if (strangers.length > 0) {
    throw new RunError(
      `${dir} is not empty: it holds ${strangers.slice(0, 3).join(", ")}${strangers.length > 3 ? ", ..." : ""}`,
      "choose an empty or new folder with --out",
    );
  }
  const results = names.filter((name) => name !== WORK_FOLDER);
  if (results.length > 0 && !force) {
    throw new RunError(
      `${dir} holds ${results.slice(0, 3).join(", ")} of a run without its ${MANIFEST_FILE}`,
      "choose another folder with --out, or throw them away with --force",
    );
  }
  for (const name of results) await rm(join(dir, name), { recursive: true, force: true });
  for (const name of await readdir(work)) {
    if (name !== "lock") await rm(join(work, name), { recursive: true, force: true });
  }
}

function newManifest(request: RunRequest, plan: Plan): RunManifest {
  const { provider, model, dimensions, purpose, format, withText, sluiceVersion, now } = request;
  return {
    version: 1,
    run: runId(now),
    kind: "embedding",
    state: "planned",
    sluice: sluiceVersion,
    model: `${provider}/${model}`,
    type: purpose,
    ...(dimensions === undefined ? {} : { dimensions }),
    source: {
      paths: [...request.sources.paths],
      sha256: plan.sourceHash,
      fingerprint: plan.fingerprint,
      files: plan.files,
      skippedFiles: plan.skippedFiles,
      documents: plan.documents,
      bytes: plan.bytes,
      items: plan.items,
      estimatedTokens: plan.tokens,
      skippedInvalid: plan.problemCount,
    },
    output: { format, withText, files: [] },
    createdAt: new Date(now).toISOString(),
    activeMs: 0,
    items: { total: plan.items, succeeded: 0, failed: 0, missing: plan.items },
    failuresByKind: {},
    tokens: 0,
    calls: { made: 0, answered: 0, failed: 0, throttled: 0, paidTwice: 0 },
    snoozes: 0,
    counters: {},
  };
}

/** "e-20261121-k3m9x2": sorts by day, short enough to type, random enough never to meet another. */
function runId(now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll("-", "");
  const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
  const tail = Array.from(randomBytes(8), (byte) => alphabet[byte % alphabet.length]).join("");
  return `e-${day}-${tail}`;
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
  } catch (error) {
    const reason =
      errorCode(error) === "EEXIST" || errorCode(error) === "ENOTDIR" ? "it is a file" : errorCode(error);
    throw new RunError(
      `${dir}: cannot be used as output folder (${reason})`,
      "choose another one with --out",
      error,
    );
  }
}
