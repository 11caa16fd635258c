import { resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { runInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { checkSpec, scoreInFolder } from "#src/cli/wiring/evaluation/score-in-folder.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { createRequestChecker } from "#src/cli/wiring/request-checker.ts";
import { loadConfig } from "#src/config/config.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createEvaluationPlanner } from "#src/producer/run-kinds/evaluation/evaluation-planner.ts";
import type { EvaluationSource } from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import type { evalCommand } from "./definition.ts";
import { printEvaluationDryRun } from "./eval-dry-run.ts";

/** `sluice eval` */
export async function runEval(file: string, options: OptionValues<typeof evalCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { registry } = config;
  const { limit, models, samples, skipInvalid } = options;
  const spec = await checkSpec(file, { registry, needsDatasets: true, limit, models, samples });
  const dir = resolve(options.out);
  const source: EvaluationSource = {
    spec,
    registry,
    checkRequest: createRequestChecker(config),
    skipInvalid,
    cwd: process.cwd(),
    exclude: [dir],
  };
  if (options.dryRun) return await printEvaluationDryRun(source, config, options);
  const kind = {
    planner: createEvaluationPlanner(source),
    ...createBatchExecution({
      findMaxInputs: createMaxInputsFinder(registry),
      cache: resolveCacheFolder(config, options),
    }),
  };
  const paths = spec.datasets.map(({ path }) => path);
  // The database has the answers that are scored, now and later.
  const coordinator = { ...options, keepDb: true };
  const code = await runInFolder(kind, { paths, dir, force: options.force }, config, coordinator);
  if (code !== EXIT_CODES.ok && code !== EXIT_CODES.itemsFailed) return code;
  await scoreInFolder(dir, spec, { json: options.json, config });
  return code;
}
