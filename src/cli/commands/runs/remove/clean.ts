import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatMany } from "#src/cli/format/format-number.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { confirmInTerminal } from "#src/cli/wiring/confirm.ts";
import { findLocalFolder } from "#src/cli/wiring/find-run.ts";
import { type OpenedRedis, openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { type Config, loadConfig } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import { removeLeftWorkFolder } from "#src/producer/runs/finish-run.ts";
import { type FinishedRun, findRunFolders, sortFinishedRuns } from "#src/producer/runs/management/find-old-runs.ts";
import { removeRun } from "#src/producer/runs/management/remove-run.ts";
import { WORK_FOLDER } from "#src/producer/storage/work-folder.ts";
import { createKeys } from "#src/redis/keys.ts";
import { compactPrivateData } from "#src/redis/private-server/compact-data.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import { findExpiredRuns, listRuns, removeRuns } from "#src/state/runs/run-list.ts";
import { type cleanCommand, DEFAULT_MIN_AGE_MS } from "./definition.ts";

/** `sluice runs clean` */
export async function runClean(options: OptionValues<typeof cleanCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  try {
    return await clean(redis, config, options);
  } finally {
    await redis.close();
  }
}

async function clean(redis: OpenedRedis, config: Config, options: OptionValues<typeof cleanCommand>): Promise<number> {
  const client = redis.source.connect("commands");
  const keys = createKeys(config.namespace);
  const now = Date.now();
  const { olderThan = DEFAULT_MIN_AGE_MS } = options;
  const listed = await listRuns(client, keys);
  const local = await Promise.all(listed.map(findLocalFolder));
  const dirs = [
    ...local.flatMap((dir) => dir ?? []),
    ...(await findRunFolders((options.in ?? []).map((dir) => resolve(dir)))),
  ];
  const { old, withWorkFolder } = await sortFinishedRuns(dirs, now - olderThan);
  if (old.length > 0 && !options.yes) {
    process.stderr.write(`${old.map(({ dir, manifest }) => `${manifest.run}  ${dir}`).join("\n")}\n`);
    const what = options.outputs ? ", with their outputs" : "";
    const age = formatDuration(olderThan);
    const question = `Remove ${formatMany(old.length, "run")} that finished more than ${age} ago${what}?`;
    if (!(await confirmInTerminal(question, "removes runs"))) return EXIT_CODES.interrupted;
  }
  const inUse: string[] = [];
  const removed: FinishedRun[] = [];
  for (const found of old) {
    try {
      await removeRun(new RunControl(client, keys, found.manifest.run), found.dir, options);
      removed.push(found);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      inUse.push(error.message);
    }
  }
  for (const { dir, manifest } of withWorkFolder) await removeLeftWorkFolder(dir, manifest);
  const workFolders = withWorkFolder.filter(({ dir }) => !existsSync(join(dir, WORK_FOLDER))).length;
  const expired = findExpiredRuns(listed, now);
  await removeRuns(client, keys, expired);
  if (redis.isPrivate) await compactPrivateData(client, config.home);
  const report = { runs: removed.map(({ manifest }) => manifest.run), workFolders, expired, kept: inUse };
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describe(report));
  return EXIT_CODES.ok;
}

interface CleanReport {
  readonly runs: readonly string[];
  /** Number of deleted work folders of finished runs that were kept. */
  readonly workFolders: number;
  readonly expired: readonly string[];
  /** Why runs were kept that are old enough, one sentence each. */
  readonly kept: readonly string[];
}

function describe({ runs, workFolders, expired, kept }: CleanReport): string {
  const counts = [
    formatMany(runs.length, "run"),
    formatMany(workFolders, "work folder"),
    formatMany(expired.length, "expired entry", "expired entries"),
  ];
  return `${[`removed ${counts.join(", ")}`, ...kept.map((reason) => `kept a run: ${reason}`)].join("\n")}\n`;
}
