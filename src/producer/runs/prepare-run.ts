import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode, RunError } from "#src/core/errors.ts";
import { RESULT_FILES } from "#src/producer/output/result-writer.ts";
import { ITEMS_FILE } from "#src/producer/plan/items-file-writer.ts";
import type { Plan, PlanProgress } from "#src/producer/plan/plan.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import { assertWorkFormatReadable, writeWorkFormat } from "#src/producer/storage/work-format.ts";
import { lockFolder } from "./folder-lock.ts";
import { MANIFEST_FILE, type RunManifest, readManifest, writeManifest } from "./run-manifest.ts";

/** What a run of any kind is started with. */
export interface PrepareRunOptions {
  /** The sources as typed. */
  readonly paths: readonly string[];
  /** Output folder, absolute. */
  readonly dir: string;
  /** Throw away what the folder holds of another run. */
  readonly force: boolean;
  readonly sluiceVersion: string;
  readonly now: number;
}

/** What is planned: the part of preparing that differs between kinds of runs. */
export interface RunPlanning<M extends RunManifest, P extends Plan = Plan> {
  /** Puts the items into a spool in `work`. A plan without a spool is refused. */
  readonly plan: (work: string, hooks: PrepareHooks) => Promise<P>;
  /** The manifest of a new run; `begin` gives what it has in common with runs of any other kind. */
  readonly createManifest: (plan: P, createBaseManifest: (kind: RunManifest["kind"]) => BaseManifest) => M;
  /** The run in the folder as this one, or how they differ. */
  readonly matchExistingRun: (existing: RunManifest, hooks: PrepareHooks) => Promise<M | Differences>;
}

/** Why the run in a folder is not the one asked for, in words that follow "holds another run: ". */
export type Differences = readonly string[];

export type BaseManifest = ReturnType<typeof buildBaseManifest>;

export interface PreparedRun<M extends RunManifest = RunManifest> {
  readonly dir: string;
  readonly itemsFile: string;
  readonly manifest: M;
  readonly resumed: boolean;
  /** Gives the folder back; idempotent. */
  readonly unlock: () => Promise<void>;
}

export type PrepareResult<M extends RunManifest = RunManifest> =
  | { readonly outcome: "ready"; readonly run: PreparedRun<M> }
  /** The folder holds this very run, finished. */
  | { readonly outcome: "finished"; readonly manifest: M }
  /** The sources have problems; nothing was kept and nothing will be sent. */
  | { readonly outcome: "refused"; readonly plan: Plan };

export interface PrepareHooks {
  /** The folder is ours, and its sources are about to be read. */
  readonly onPlanning?: () => void;
  readonly onProgress?: (progress: PlanProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Turns a request into a run in its output folder: plans a new one, or takes up the one that is there. A folder with
 * another run is refused, so that no command ever mixes two runs. Needs no Redis and sends nothing.
 */
export async function prepareRun<M extends RunManifest, P extends Plan>(
  request: PrepareRunOptions,
  planning: RunPlanning<M, P>,
  hooks: PrepareHooks = {},
): Promise<PrepareResult<M>> {
  const { dir } = request;
  const work = join(dir, WORK_FOLDER);
  await makeFolder(dir);
  const existing = request.force ? undefined : await readManifest(dir);
  const matched = existing && (await matchExistingRun(existing, dir, planning, hooks));
  if (matched?.state === "finished") return { outcome: "finished", manifest: matched };
  const unlock = await lockFolder(work);
  try {
    if (matched) {
      await assertWorkFormatReadable(work);
      const itemsFile = join(work, ITEMS_FILE);
      return { outcome: "ready", run: { dir, itemsFile, manifest: matched, resumed: true, unlock } };
    }
    await clearFolder(request, work);
    await writeWorkFormat(work);
    hooks.onPlanning?.();
    const plan = await planning.plan(work, hooks);
    if (plan.itemsFile === undefined) {
      await unlock();
      await rm(work, { recursive: true, force: true });
      // A folder made for nothing goes again; one with anything in it stays.
      await rmdir(dir).catch(() => undefined);
      return { outcome: "refused", plan };
    }
    const manifest = planning.createManifest(plan, (kind) => buildBaseManifest(kind, request, plan));
    await writeManifest(dir, manifest);
    return { outcome: "ready", run: { dir, itemsFile: plan.itemsFile, manifest, resumed: false, unlock } };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** The folder's run must be the one asked for: same kind, same models, same input, cut into the same items. */
async function matchExistingRun<M extends RunManifest>(
  existing: RunManifest,
  dir: string,
  planning: Pick<RunPlanning<M>, "matchExistingRun">,
  hooks: PrepareHooks,
): Promise<M> {
  const matched = await planning.matchExistingRun(existing, hooks);
  if (!isDifferences(matched)) return matched;
  throw new RunError(
    `${dir} holds another run (${existing.run}, ${existing.state}): ${matched.join("; ")}`,
    "choose another folder with --out, or throw that run away with --force",
  );
}

function isDifferences(matched: RunManifest | Differences): matched is Differences {
  return Array.isArray(matched);
}

/** Makes room for a new run. Only what runs write is removed; a folder with other files in it is refused. */
async function clearFolder({ dir, force }: PrepareRunOptions, work: string): Promise<void> {
  const ownNames = new Set<string>([MANIFEST_FILE, WORK_FOLDER, ...Object.values(RESULT_FILES)]);
  const names = await readdir(dir);
  const foreignFiles = names.filter((name) => !ownNames.has(name) && !name.startsWith(`${MANIFEST_FILE}.`));
  if (foreignFiles.length > 0) {
    throw new RunError(
      `${dir} is not empty: it holds ${foreignFiles.slice(0, 3).join(", ")}${foreignFiles.length > 3 ? ", ..." : ""}`,
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

/** A run of which nothing is done. */
function buildBaseManifest(kind: RunManifest["kind"], { paths, sluiceVersion, now }: PrepareRunOptions, plan: Plan) {
  return {
    version: 1 as const,
    run: createRunId(kind.charAt(0), now),
    state: "planned" as const,
    sluice: sluiceVersion,
    source: {
      paths: [...paths],
      sha256: plan.sourceHash,
      ...(plan.stdin && { stdin: plan.stdin }),
      fingerprint: plan.fingerprint,
      files: plan.files,
      skippedFiles: plan.skippedFiles,
      documents: plan.documents,
      bytes: plan.bytes,
      items: plan.items,
      estimatedTokens: plan.tokens,
      skippedInvalid: plan.problemCount,
    },
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

/** "e-20261121-k3m9x2ab": its kind, then its day, then enough at random never to meet another. */
function createRunId(kind: string, now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll("-", "");
  const alphabet = "abcdefghjkmnpqrstuvwxyz23456789";
  const tail = Array.from(randomBytes(8), (byte) => alphabet[byte % alphabet.length]).join("");
  return `${kind}-${day}-${tail}`;
}

async function makeFolder(dir: string): Promise<void> {
  try {
    await makeFolders(dir);
  } catch (error) {
    const reason = errorCode(error) === "EEXIST" || errorCode(error) === "ENOTDIR" ? "it is a file" : errorCode(error);
    throw new RunError(`${dir}: cannot be used as output folder (${reason})`, "choose another one with --out", error);
  }
}

/**
 * Makes a folder and those above it, one by one. Node's own recursive mkdir never returns where the system answers
 * "no such file" for a folder that cannot be made at all, as under /proc.
 */
async function makeFolders(dir: string): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    const code = errorCode(error);
    const parent = dirname(dir);
    if (code === "ENOENT" && parent !== dir && !(await isFolder(parent))) {
      await makeFolders(parent);
      await mkdir(dir);
    } else if (code !== "EEXIST" || !(await isFolder(dir))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
