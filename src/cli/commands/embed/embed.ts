import { resolve } from "node:path";
import { resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { readCsvOptions } from "#src/cli/options/parse-option.ts";
import { runInFolder } from "#src/cli/wiring/coordinator/coordinator-command.ts";
import { loadConfig } from "#src/config/config.ts";
import { InputError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { chooseChunkOverlap, chooseChunkTokens } from "#src/producer/input/chunking/chunk-limits.ts";
import { createEmbeddingExecution } from "#src/producer/run-kinds/embedding/embedding-kind.ts";
import { createEmbeddingPlanner, type EmbeddingRunOptions } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import { findDimensionProblem } from "#src/providers/openai-compatible/embedding-codec.ts";
import type { ModelData } from "#src/providers/provider.ts";
import type { embedCommand } from "./definition.ts";
import { printEmbedDryRun } from "./embed-dry-run.ts";

/** `sluice embed` */
export async function runEmbed(paths: readonly string[], options: OptionValues<typeof embedCommand>): Promise<number> {
  const config = loadConfig({ file: options.config });
  const { provider, model } = config.registry.findModel(options.model, "embedding");
  if (model.kind !== "embedding") {
    throw new InputError(
      `${options.model} is a chat model; "${SUGGESTED_COMMANDS.models(provider)}" lists the embedding models of ${provider}`,
    );
  }
  const problem = options.dimensions === undefined ? undefined : findDimensionProblem(model, options.dimensions);
  if (problem !== undefined) throw new InputError(problem, "--dimensions");
  const request = createRequest(paths, provider, model, options);
  if (options.dryRun) return await printEmbedDryRun(request, config, options);
  const kind = {
    planner: createEmbeddingPlanner(request),
    ...createEmbeddingExecution({
      inputsPerCall: model.maxInputs ?? 1,
      cache: resolveCacheFolder(config, options),
      canaries: options.canaries && config.run.canaries !== false,
    }),
  };
  return await runInFolder(kind, { paths, dir: request.dir, force: options.force }, config, options);
}

function createRequest(
  paths: readonly string[],
  provider: string,
  model: ModelData,
  options: OptionValues<typeof embedCommand>,
): EmbeddingRunOptions {
  const chunkTokens = options.chunkTokens ?? chooseChunkTokens(model.maxTokens);
  return {
    sources: {
      paths,
      idField: options.idField,
      textField: options.textField,
      metadataFields: options.metadataFields,
      csv: readCsvOptions(options),
      chunk: options.chunk
        ? { tokens: chunkTokens, overlap: options.chunkOverlap ?? chooseChunkOverlap(chunkTokens) }
        : undefined,
      maxTokens: model.maxTokens,
      tokenizerModel: model.name,
      limit: options.limit,
      skipInvalid: options.skipInvalid,
      stdin: process.stdin,
      cwd: process.cwd(),
    },
    dir: resolve(options.out),
    provider,
    model: model.name,
    dimensions: options.dimensions ?? model.dimensions,
    askedDimensions: options.dimensions,
    purpose: options.type,
    format: options.format,
    withText: options.withText,
  };
}
