import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { describeManifest } from "#src/cli/format/describe-manifest.ts";
import { formatCount, formatPercent, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { formatTable } from "#src/cli/format/format-table.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { type RunManifest, readManifest } from "#src/producer/runs/run-manifest.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RUN_TTL_MS } from "#src/state/runs/run-ledger.ts";
import { type ListedRun, listRuns, removeRuns } from "#src/state/runs/run-list.ts";
import { currentState } from "./current-state.ts";
import type { runsCommand } from "./definition.ts";

interface RunWithManifest extends ListedRun {
  /** Undefined if the folder is not on this machine. */
  readonly manifest: RunManifest | undefined;
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
  const runs = await listRunsWithManifest(options);
  if (requested === undefined) {
    if (options.json) return print(runs.map((run) => toJson(summarizeRun(run))).join(""));
    return print(
      runs.length === 0
        ? "No runs yet. Start one: sluice embed <path> --model <provider/model> --out <dir>\n"
        : formatRuns(runs),
    );
  }
  const run = runs.find((candidate) => candidate.run === requested);
  if (!run) throw CLI_ERRORS.unknownRun(requested);
  if (run.manifest) return print(options.json ? toJson(run.manifest) : describeManifest(run.manifest, run.dir ?? ""));
  return print(options.json ? toJson(summarizeRun(run)) : formatRuns([run]));
}

async function listRunsWithManifest(options: OptionValues<typeof runsCommand>): Promise<RunWithManifest[]> {
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const listed = await listRuns(client, keys);
    const known = await Promise.all(listed.map(attachManifest));
    const expired = known.filter((run) => !run.manifest && run.state === undefined && isOld(run));
    await removeRuns(
      client,
      keys,
      expired.map((run) => run.run),
    );
    return known.filter((run) => !expired.includes(run));
  } finally {
    await redis.close();
  }
}

function isOld({ createdAt }: ListedRun): boolean {
  return Date.now() - createdAt > RUN_TTL_MS;
}

async function attachManifest(run: ListedRun): Promise<RunWithManifest> {
  if (run.dir === undefined || run.host !== hostname()) return { ...run, manifest: undefined };
  const manifest = await readManifest(run.dir).catch(() => undefined);
  return { ...run, manifest: manifest?.run === run.run ? manifest : undefined };
}

function summarizeRun({ manifest, ...run }: RunWithManifest) {
  return { ...run, state: currentState(manifest?.state, run.state), progress: manifest?.items };
}

function formatRuns(runs: readonly RunWithManifest[]): string {
  return formatTable(
    [
      { title: "run" },
      { title: "state" },
      { title: "model" },
      { title: "items", align: "right" },
      { title: "done", align: "right" },
      { title: "failed", align: "right" },
      { title: "created" },
      { title: "folder" },
    ],
    runs.map(({ run, state, model, items, createdAt, dir, manifest }) => [
      run,
      currentState(manifest?.state, state) ?? UNKNOWN_VALUE,
      model ?? UNKNOWN_VALUE,
      formatCount(items ?? manifest?.items.total),
      manifest ? formatPercent(1 - manifest.items.missing / Math.max(1, manifest.items.total)) : UNKNOWN_VALUE,
      formatCount(manifest?.items.failed),
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
