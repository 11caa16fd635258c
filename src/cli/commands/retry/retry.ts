import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { retryInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import {
  describeFailureFilter,
  mayHaveFailures,
  parseFailureFilter,
  resolveOtherCause,
} from "#src/cli/wiring/failure-filter.ts";
import { findRunFolder, requireManifest, requireWorkFolder } from "#src/cli/wiring/find-run.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { loadConfig } from "#src/config/config.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createEmbeddingExecution } from "#src/producer/run-kinds/embedding/embedding-kind.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import type { retryCommand } from "./definition.ts";

/** `sluice retry` */
export async function runRetry(requested: string, options: OptionValues<typeof retryCommand>): Promise<number> {
  const parsed = parseFailureFilter(options);
  const config = loadConfig({ file: options.config });
  const dir = await findRunFolder(requested, config);
  const manifest = await requireManifest(dir);
  const filter = await resolveOtherCause(parsed, { dir, manifest }, config);
  if (!mayHaveFailures(manifest, filter)) {
    process.stderr.write(`${manifest.run} has no ${describeFailureFilter(filter)}: nothing to retry.\n`);
    return EXIT_CODES.ok;
  }
  await requireWorkFolder(dir);
  const findMaxInputs = createMaxInputsFinder(config.registry);
  const canaries = config.run.canaries !== false;
  const target = { dir, filter };
  const commandOptions = { ...options, out: dir };
  if (isBatch(manifest)) {
    return await retryInFolder(
      { ...target, manifest },
      createBatchExecution({ findMaxInputs, canaries }),
      config,
      commandOptions,
    );
  }
  const kind = createEmbeddingExecution({ inputsPerCall: findMaxInputs(manifest.model), canaries });
  return await retryInFolder({ ...target, manifest }, kind, config, commandOptions);
}
