import { join } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { CLI_ERRORS } from "#src/cli/messages.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { retryInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { makeScorerCalls } from "#src/cli/wiring/evaluation/make-scorer-calls.ts";
import { scoreInFolder } from "#src/cli/wiring/evaluation/score-in-folder.ts";
import { findRunFolder, requireManifest, requireRunDatabase } from "#src/cli/wiring/find-run.ts";
import {
  describeRetryQuery,
  mayHaveRetries,
  parseItemFilterOptions,
  prepareSearch,
  resolveOtherCause,
} from "#src/cli/wiring/item-filter.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { loadConfig } from "#src/config/config.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { type ItemQuery, toRetryQuery } from "#src/producer/items/item-query.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import { createBatchExecution } from "#src/producer/run-kinds/batch/batch-kind.ts";
import { createEmbeddingExecution } from "#src/producer/run-kinds/embedding/embedding-kind.ts";
import { readSpec } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import { createRerankExecution } from "#src/producer/run-kinds/rerank/rerank-kind.ts";
import { removeLeftWorkFolder } from "#src/producer/runs/finish-run.ts";
import { isBatch } from "#src/producer/runs/run-manifest.ts";
import type { retryCommand } from "./definition.ts";

/** `sluice retry` */
export async function runRetry(requested: string, options: OptionValues<typeof retryCommand>): Promise<number> {
  const parsed = parseItemFilterOptions({ ...options, empty: options.retryEmpty });
  const { status } = parsed;
  if (status !== undefined && status !== toRetryQuery(parsed).status) throw CLI_ERRORS.notRetryable(status);
  const config = loadConfig({ file: options.config });
  const dir = await findRunFolder(requested, config);
  const manifest = await requireManifest(dir);
  const query = await resolveOtherCause(parsed, { dir, manifest }, config);
  const hasNone = !mayHaveRetries(manifest, query);
  if (!hasNone) requireRunDatabase(dir);
  // An unfinished run is resumed in any case, but its search index must exist and its expression be valid.
  if (hasNone || (!hasMatch(dir, query) && manifest.state === "finished")) {
    if (manifest.state === "finished") await removeLeftWorkFolder(dir, manifest);
    process.stderr.write(`${manifest.run} has no ${describeRetryQuery(query)}: nothing to retry.\n`);
    return EXIT_CODES.ok;
  }
  const findMaxInputs = createMaxInputsFinder(config.registry);
  const canaries = config.run.canaries !== false;
  const target = { dir, query };
  const commandOptions = { ...options, out: dir };
  if (isBatch(manifest) && manifest.kind === "rerank") {
    return await retryInFolder({ ...target, manifest }, createRerankExecution(), config, commandOptions);
  }
  if (isBatch(manifest)) {
    const execution = createBatchExecution({ findMaxInputs, canaries });
    if (manifest.evaluation === undefined)
      return await retryInFolder({ ...target, manifest }, execution, config, commandOptions);
    const keeping = { ...commandOptions, keepDb: true };
    const code = await retryInFolder({ ...target, manifest }, execution, config, keeping);
    if (code !== EXIT_CODES.ok && code !== EXIT_CODES.itemsFailed) return code;
    const spec = readSpec(join(dir, EVALUATION_FILES.spec), { registry: config.registry });
    const callsCode = await makeScorerCalls(dir, spec, config, options);
    if (callsCode !== EXIT_CODES.ok && callsCode !== EXIT_CODES.itemsFailed) return callsCode;
    await scoreInFolder(dir, spec, { json: options.json, config });
    return code === EXIT_CODES.ok ? callsCode : code;
  }
  const kind = createEmbeddingExecution({ inputsPerCall: findMaxInputs(manifest.model), canaries });
  return await retryInFolder({ ...target, manifest }, kind, config, commandOptions);
}

function hasMatch(dir: string, query: ItemQuery): boolean {
  prepareSearch(dir, query);
  using finder = new ItemFinder(dir);
  return !finder.listIndices(toRetryQuery(query)).next().done;
}
