import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { describeManifest } from "#src/cli/format/describe-manifest.ts";
import { formatCount, formatPercent, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { formatTable } from "#src/cli/format/format-table.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { resolveRunName } from "#src/cli/wiring/find-run.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { readPublishedRun } from "#src/producer/runs/progress/parse-published-run.ts";
import { type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { createKeys, type Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import {
  countRuns,
  findExpiredRuns,
  type ListedRun,
  listRuns,
  readListedRun,
  removeRuns,
} from "#src/state/runs/run-list.ts";
import { currentState } from "./current-state.ts";
import { DEFAULT_LISTED_RUNS, type runsCommand } from "./definition.ts";

interface RunWithManifest extends ListedRun {
  /** From the folder; if that is not on this machine, the final report in Redis. */
  readonly manifest: RunManifest | undefined;
  /** From the same source, or else from the latest progress report in Redis. */
  readonly progress: RunManifest["items"] | undefined;
}

interface RunSelection {
  readonly runs: readonly RunWithManifest[];
  /** Number of runs in Redis. */
  readonly total: number;
}

/** `sluice runs [run]`: the runs in Redis, completed from their folders if these are on this machine. */
export async function runRuns(
  requested: string | undefined,
  options: OptionValues<typeof runsCommand>,
): Promise<number> {
  if (requested !== undefined && existsSync(resolve(requested))) {
    const manifest = await readManifest(resolve(requested));
    if (!manifest) throw CLI_ERRORS.folderWithoutRun(resolve(requested));
    return print(options.json ? toJson(manifest) : describeManifest(manifest, resolve(requested)));
  }
  const { runs, total } = await listRunsWithManifest(requested, options);
  if (requested === undefined) {
    if (options.json) return print(runs.map((run) => toJson(summarizeRun(run))).join(""));
    return print(
      runs.length === 0
        ? `No runs yet. Start one, for example: ${SUGGESTED_COMMANDS.embed()}\n`
        : `${formatRuns(runs)}${describeRest(runs.length, total)}`,
    );
  }
  const [run] = runs;
  if (!run) throw CLI_ERRORS.unknownRun(requested);
  if (run.manifest) return print(options.json ? toJson(run.manifest) : describeManifest(run.manifest, run.dir ?? ""));
  return print(options.json ? toJson(summarizeRun(run)) : formatRuns([run]));
}

async function listRunsWithManifest(
  requested: string | undefined,
  options: OptionValues<typeof runsCommand>,
): Promise<RunSelection> {
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const id = requested === undefined ? undefined : await resolveRunName(client, keys, requested);
    const found = id === undefined ? undefined : await readListedRun(client, keys, id);
    const limit = options.all ? undefined : (options.limit ?? DEFAULT_LISTED_RUNS);
    const listed = requested === undefined ? await listRuns(client, keys, limit) : found ? [found] : [];
    const known = await Promise.all(listed.map((run) => attachManifest(run, client, keys)));
    const unknown = known.filter((run) => !run.manifest);
    const expired = findExpiredRuns(unknown, Date.now());
    await removeRuns(client, keys, expired);
    return { runs: known.filter(({ run }) => !expired.includes(run)), total: await countRuns(client, keys) };
  } finally {
    await redis.close();
  }
}

async function attachManifest(run: ListedRun, client: RedisClient, keys: Keys): Promise<RunWithManifest> {
  if (run.dir !== undefined && run.host === hostname()) {
    const manifest = await readManifest(run.dir).catch(() => undefined);
    if (manifest?.run === run.run) {
      const { name = manifest.name, note = manifest.note } = run;
      return { ...run, name, note, manifest, progress: manifest.items };
    }
  }
  const published = await readPublishedRun(client, keys, run.run);
  if (published?.end?.outcome === "finished") {
    const { report } = published.end;
    return { ...run, manifest: report, progress: report.items };
  }
  const { total = 0, succeeded = 0, failed = 0 } = published?.snapshot?.items ?? {};
  const progress = published?.snapshot && { total, succeeded, failed, missing: total - succeeded - failed };
  return { ...run, manifest: undefined, progress };
}

function summarizeRun({ manifest, progress, ...run }: RunWithManifest) {
  return { ...run, state: currentState(manifest?.state, run.state), progress };
}

function describeRest(shown: number, total: number): string {
  if (shown >= total) return "\n";
  return `\nShowing ${formatCount(shown)} of ${formatCount(total)} runs; "${SUGGESTED_COMMANDS.allRuns()}" lists all, --limit more.\n`;
}

function formatRuns(runs: readonly RunWithManifest[]): string {
  // Columns that no run fills take room from the folder.
  const labels = (["name", "note"] as const).filter((key) => runs.some((run) => run[key]));
  return formatTable(
    [
      { title: "run" },
      ...labels.map((title) => ({ title })),
      { title: "state" },
      { title: "model" },
      { title: "items", align: "right" },
      { title: "done", align: "right" },
      { title: "failed", align: "right" },
      { title: "created" },
      { title: "folder" },
    ],
    runs.map(({ run, state, model, items, createdAt, dir, manifest, progress, ...label }) => [
      run,
      ...labels.map((key) => label[key] ?? ""),
      currentState(manifest?.state, state) ?? UNKNOWN_VALUE,
      model ?? UNKNOWN_VALUE,
      formatCount(items ?? progress?.total),
      progress ? formatPercent(1 - progress.missing / Math.max(1, progress.total)) : UNKNOWN_VALUE,
      formatCount(progress?.failed),
      new Date(createdAt).toISOString().slice(0, 16).replace("T", " "),
      dir ?? UNKNOWN_VALUE,
    ]),
  );
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function print(text: string): number {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  return EXIT_CODES.ok;
}
