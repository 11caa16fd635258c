import { resolve } from "node:path";
import { resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { runInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { createRequestChecker } from "#src/cli/wiring/request-checker.ts";
import { loadConfig } from "#src/config/config.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createBatchPlanner } from "#src/producer/run-kinds/batch/batch-planner.ts";
import type { BatchSource } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import { printBatchDryRun } from "./batch-dry-run.ts";
import type { batchCommand } from "./definition.ts";

/** `sluice batch` */
export async function runBatchFile(path: string, options: OptionValues<typeof batchCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { registry } = config;
  const dir = resolve(options.out);
  const source: BatchSource = {
    path,
    model: options.model,
    registry,
    checkRequest: createRequestChecker(config),
    limit: options.limit,
    skipInvalid: options.skipInvalid,
    stdin: process.stdin,
    cwd: process.cwd(),
    exclude: [dir],
  };
  if (options.dryRun) return await printBatchDryRun(source, config, options);
  const kind = {
    planner: createBatchPlanner(source),
    ...createBatchExecution({
      findMaxInputs: createMaxInputsFinder(registry),
      cache: resolveCacheFolder(config, options),
      canaries: options.canaries && config.run.canaries !== false,
    }),
  };
  return await runInFolder(kind, { paths: [path], dir, force: options.force }, config, options);
}
