import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { findRun } from "#src/cli/wiring/find-run.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { renameRun } from "#src/producer/runs/management/rename-run.ts";
import { findNameProblem } from "#src/producer/runs/run-label.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { renameCommand } from "./definition.ts";

/** `sluice runs rename` */
export async function runRename(
  requested: string,
  name: string,
  { note, json, config: file }: OptionValues<typeof renameCommand>,
): Promise<number> {
  const problem = name === "" ? undefined : findNameProblem(name);
  if (problem !== undefined) throw new InputError(`"${name}" cannot be the name of a run: ${problem}`);
  const config = loadConfig({ file });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const { run, dir } = await findRun(client, keys, requested);
    await renameRun(new RunControl(client, keys, run), dir, { name, note });
    const message = name === "" ? "has no name now" : `is now named ${sanitize(name)}`;
    process.stdout.write(json ? `${JSON.stringify({ run, name, note })}\n` : `${run} ${message}\n`);
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
  }
}
