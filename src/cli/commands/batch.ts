import { resolve } from "node:path";
import { type CacheCommandOptions, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { CoordinatorCommandOptions } from "#src/cli/wiring/command-context.ts";
import { runInFolder } from "#src/cli/wiring/coordinator-command.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import type { BatchSource } from "#src/producer/run-kinds/batch/plan-batch.ts";
import { createBatchPlanner } from "#src/producer/run-kinds/batch/plan-batch-run.ts";
import { printBatchDryRun } from "./batch-dry-run.ts";

export interface BatchCommandOptions extends CoordinatorCommandOptions, CacheCommandOptions {
  readonly model?: string;
  readonly limit?: number;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly force: boolean;
}

/** `sluice batch` */
export async function runBatchFile(path: string, options: BatchCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const { registry } = config;
  const dir = resolve(options.out);
  const source: BatchSource = {
    path,
    model: options.model,
    registry,
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
    }),
  };
  return await runInFolder(kind, { paths: [path], dir, force: options.force }, config, options);
}
