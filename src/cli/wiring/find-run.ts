import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { Config } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { assertRunResumable } from "#src/producer/runs/resume-checks.ts";
import { type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { getRunDatabasePath } from "#src/producer/storage/run-database.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { type ListedRun, listRuns, readListedRun } from "#src/state/runs/run-list.ts";
import { openConfiguredRedis } from "./open-redis.ts";

/** The id of the run that a user named by its id, its name, or its output folder. Throws if the folder contains no run. */
export async function findRunId(client: RedisClient, keys: Keys, requested: string): Promise<string> {
  const dir = resolve(requested);
  return existsSync(dir) ? (await requireManifest(dir)).run : await resolveRunName(client, keys, requested);
}

/** The id of the run with this id or name; if Redis has none, what was requested. Throws if several runs have the name. */
export async function resolveRunName(client: RedisClient, keys: Keys, requested: string): Promise<string> {
  if (await readListedRun(client, keys, requested)) return requested;
  const named = (await listRuns(client, keys)).filter(({ name }) => name === requested).map(({ run }) => run);
  if (named.length > 1) throw CLI_ERRORS.ambiguousName(requested, named);
  return named[0] ?? requested;
}

/** A run that a user named, and its folder if that is on this machine. */
export interface FoundRun {
  readonly run: string;
  readonly dir: string | undefined;
}

/** The run that a user named by its id, its name, or its folder. Throws if there is none. */
export async function findRun(client: RedisClient, keys: Keys, requested: string): Promise<FoundRun> {
  const run = await findRunId(client, keys, requested);
  if (existsSync(resolve(requested))) return { run, dir: resolve(requested) };
  const listed = await readListedRun(client, keys, run);
  if (!listed) throw createUnknownRunError(requested);
  return { run, dir: await findLocalFolder(listed) };
}

/** The folder of a run that Redis lists, if it is on this machine and still contains the run. */
export async function findLocalFolder({ run, dir, host }: ListedRun): Promise<string | undefined> {
  if (dir === undefined || host !== hostname()) return undefined;
  return (await readManifest(dir).catch(() => undefined))?.run === run ? dir : undefined;
}

/** The manifest of the run in a folder. Throws if there is none. */
export async function requireManifest(dir: string): Promise<RunManifest> {
  const manifest = await readManifest(dir);
  if (manifest) return manifest;
  throw CLI_ERRORS.folderWithoutRun(dir);
}

/** Redis does not know the run. */
export const createUnknownRunError = CLI_ERRORS.unknownRun;

/** The output folder of the run that a user named by its id or by its folder. Throws if it is not on this machine. */
export async function findRunFolder(requested: string, config: Config): Promise<string> {
  if (existsSync(resolve(requested))) return resolve(requested);
  const redis = await openConfiguredRedis(config);
  try {
    return await findListedFolder(redis.source.connect("commands"), createKeys(config.namespace), requested);
  } finally {
    await redis.close();
  }
}

/** The output folder of a run that Redis lists. Throws if it is not on this machine. */
export async function findListedFolder(client: RedisClient, keys: Keys, requested: string): Promise<string> {
  const id = await resolveRunName(client, keys, requested);
  const run = await readListedRun(client, keys, id);
  if (!run) throw createUnknownRunError(requested);
  const { dir = "unknown", host = "unknown" } = run;
  if (host !== hostname()) {
    throw new RunError(
      `the folder of ${requested} is not on this machine (${host}: ${dir})`,
      "Run this command on that machine, or name the folder.",
    );
  }
  if ((await readManifest(dir).catch(() => undefined))?.run === id) return dir;
  throw new RunError(
    `${dir}, the folder of ${requested}, was deleted, moved, or contains another run`,
    "If you moved it, name the folder.",
  );
}

/** Throws if the run's database, which contains its items, is missing or of another version. */
export function requireRunDatabase(dir: string): void {
  const path = getRunDatabasePath(dir);
  if (existsSync(path)) return;
  assertRunResumable(dir);
  throw new RunError(
    `${path}, which contains the items of the run, does not exist`,
    "A run without failed items keeps it only with --keep-db, and a removed run has none. To get it, run the original command again with --keep-db and a new folder; with --cache, equal texts are not called for again.",
  );
}
