import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { findListedFolder, requireManifest, resolveRunName } from "#src/cli/wiring/find-run.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { errorCode, RunError } from "#src/core/failures/errors.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import { readCommandLine } from "#src/producer/runs/command-line.ts";
import { mayHolderLive } from "#src/producer/runs/lease.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { resumeCommand } from "./definition.ts";

type ResumeOptions = OptionValues<typeof resumeCommand>;
type RunCommandLine = (args: readonly string[], overrides: Readonly<Record<string, unknown>>) => Promise<number>;

/** `sluice resume`: resumes a run that waits for it, or runs the command line of a run that has no process. */
export async function resumeRun(
  requested: string,
  options: ResumeOptions,
  runCommandLine: RunCommandLine,
): Promise<number> {
  const config = options.config === undefined ? undefined : resolve(options.config);
  let dir = existsSync(resolve(requested)) ? resolve(requested) : undefined;
  // The settings of a folder's run may name another Redis than those of this folder.
  if (dir !== undefined) enterWorkingDirectory(dir);
  const named = dir === undefined ? requested : (await requireManifest(dir)).run;
  const resumed = await resumeCoordinated(named, dir, config);
  if (resumed.isRunning) return printResumed(resumed.run, resumed.before, options);
  dir = resumed.dir;
  const manifest = await requireManifest(dir);
  if (manifest.state === "finished") throw CLI_ERRORS.nothingToResume(dir, manifest.items.failed);
  const commandLine = readCommandLine(dir);
  if (!commandLine) throw CLI_ERRORS.commandUnknown(dir);
  enterWorkingDirectory(dir);
  const { window, workers, maxCost, maxWait, keepDb, json } = options;
  const given = omitUndefined({ window, workers, maxCost, maxWait, config, keepDb: keepDb || undefined });
  // The run may have been renamed since.
  const kept = { name: undefined, note: undefined };
  return await runCommandLine(commandLine.args, { ...given, ...kept, json, force: false, out: dir });
}

/** Changes to the directory in which the run in `dir` was started, if that is known. Throws a RunError if it is gone. */
function enterWorkingDirectory(dir: string): void {
  const cwd = readCommandLine(dir)?.cwd;
  if (cwd === undefined) return;
  try {
    process.chdir(cwd);
  } catch (error) {
    throw new RunError(
      `the run in ${dir} was started in ${cwd}, which cannot be entered (${errorCode(error)})`,
      "Restore that folder: the paths of the run's input may be relative to it.",
      error,
    );
  }
}

/** Resumes a run with a coordinator; otherwise finds its folder, which must be on this machine. */
async function resumeCoordinated(named: string, dir: string | undefined, file: string | undefined) {
  const config = loadConfig({ file });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const run = await resolveRunName(client, keys, named);
    const control = new RunControl(client, keys, run);
    const { decision, before, hasCoordinator } = await control.requestTransition("resume", mayHolderLive);
    if (!hasCoordinator) {
      return { isRunning: false, dir: dir ?? (await findListedFolder(client, keys, run)) } as const;
    }
    if (decision.outcome === "refused") throw new RunError(decision.message, decision.hint);
    return { isRunning: true, run, before } as const;
  } finally {
    await redis.close();
  }
}

function printResumed(run: string, before: string | undefined, { json }: ResumeOptions): number {
  const message = before === "paused" ? "resumed" : "was not paused";
  const result = { run, before, state: "running", coordinated: true };
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${run}: ${message}\n`);
  return EXIT_CODES.ok;
}
