import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatMany } from "#src/cli/format/format-number.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { confirmInTerminal } from "#src/cli/wiring/confirm.ts";
import { type FoundRun, findRun, requireManifest } from "#src/cli/wiring/find-run.ts";
import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { removeRun } from "#src/producer/runs/management/remove-run.ts";
import { readManifest } from "#src/producer/runs/run-manifest.ts";
import { createKeys } from "#src/redis/keys.ts";
import { RunControl } from "#src/state/runs/run-control.ts";
import type { rmCommand } from "./definition.ts";

/** `sluice runs rm`. Nothing is removed if one of the runs does not exist. */
export async function runRm(requested: readonly string[], options: OptionValues<typeof rmCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    const found = new Map<string, FoundRun>();
    for (const name of requested) {
      if (existsSync(resolve(name))) await requireManifest(resolve(name));
      const run = await findRun(client, keys, name);
      found.set(run.run, run);
    }
    const runs = [...found.values()];
    if (!options.yes) {
      process.stderr.write(`${(await Promise.all(runs.map(describeRun))).join("\n")}\n`);
      const what = options.outputs ? ", with their outputs" : "";
      const question = `Remove ${formatMany(runs.length, "run")}${what}?`;
      if (!(await confirmInTerminal(question, "removes runs"))) return EXIT_CODES.interrupted;
    }
    for (const { run, dir } of runs) {
      await removeRun(new RunControl(client, keys, run), dir, options);
      process.stdout.write(options.json ? `${JSON.stringify({ run, dir })}\n` : `removed ${run}\n`);
    }
    return EXIT_CODES.ok;
  } finally {
    await redis.close();
  }
}

/** One line that says what is lost with the run. */
async function describeRun({ run, dir }: FoundRun): Promise<string> {
  if (dir === undefined) return `${run}: its folder is not on this machine, and is kept`;
  const manifest = await readManifest(dir);
  if (manifest?.state === "finished") return `${run}: finished, in ${dir}`;
  return `${run}: not finished, in ${dir}; ${formatMany(manifest?.items.succeeded ?? 0, "answer")} would be lost`;
}
