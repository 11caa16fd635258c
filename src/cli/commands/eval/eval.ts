import { join, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import { resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { runInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { requireRunLanes } from "#src/cli/wiring/coordinator/run-lanes.ts";
import { makeScorerCalls } from "#src/cli/wiring/evaluation/make-scorer-calls.ts";
import { checkSpec, scoreInFolder } from "#src/cli/wiring/evaluation/score-in-folder.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { createRequestChecker } from "#src/cli/wiring/request-checker.ts";
import { loadConfig } from "#src/config/config.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createEvaluationPlanner } from "#src/producer/run-kinds/evaluation/evaluation-planner.ts";
import { importSpec } from "#src/producer/run-kinds/evaluation/import/import-spec.ts";
import type { EvaluationSource } from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import type { evalCommand } from "./definition.ts";
import { printEvaluationDryRun } from "./eval-dry-run.ts";
import { initSpec } from "./init-spec.ts";

/** `sluice eval` */
export async function runEval(
  specFile: string | undefined,
  options: OptionValues<typeof evalCommand>,
): Promise<number> {
  if (options.init !== undefined) return await initSpec(options.init, specFile ?? "spec.yaml", options);
  if (specFile === undefined) throw CLI_ERRORS.noSpecGiven();
  const { out } = options;
  if (out === undefined) throw CLI_ERRORS.noOutputFolder();
  const config = loadConfig({ file: options.config });
  const { registry } = config;
  const { limit, models, samples, skipInvalid } = options;
  const target = join(config.home, ".sluice", "imports");
  const imported = await importSpec(specFile, { registry, models, skipInvalid, target });
  for (const problem of imported.skipped) process.stderr.write(`Left out: ${sanitize(problem)}\n`);
  const overrides = { limit, samples, models: imported.isForeign ? undefined : models };
  const { spec, scorerModels } = await checkSpec(imported.path, config, { needsDatasets: true, ...overrides });
  const dir = resolve(out);
  const source: EvaluationSource = {
    spec,
    registry,
    checkRequest: createRequestChecker(config),
    skipInvalid,
    cwd: process.cwd(),
    exclude: [dir],
  };
  if (options.dryRun) return await printEvaluationDryRun(source, config, options);
  // Before anything is paid for, because answers without scores are of little use.
  requireRunLanes(config, scorerModels);
  const kind = {
    planner: createEvaluationPlanner(source),
    ...createBatchExecution({
      findMaxInputs: createMaxInputsFinder(registry),
      cache: resolveCacheFolder(config, options),
    }),
  };
  const paths = spec.datasets.map(({ path }) => path);
  // The database has the answers that are scored, now and later.
  const coordinator = { ...options, out, keepDb: true };
  const code = await runInFolder(kind, { paths, dir, force: options.force }, config, coordinator);
  if (code !== EXIT_CODES.ok && code !== EXIT_CODES.itemsFailed) return code;
  const callsCode = await makeScorerCalls(dir, spec, config, options);
  if (callsCode !== EXIT_CODES.ok && callsCode !== EXIT_CODES.itemsFailed) return callsCode;
  await scoreInFolder(dir, spec, { json: options.json, config });
  return code === EXIT_CODES.ok ? callsCode : code;
}
