import { resolve } from "node:path";
import { type CacheCommandOptions, createAnswerCacheDeps, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import { readVersion } from "#src/cli/version.ts";
import {
  type CoordinatorCommand,
  type CoordinatorCommandOptions,
  runInFolder,
} from "#src/cli/wiring/coordinator-command.ts";
import { requireLanes } from "#src/cli/wiring/lanes.ts";
import { findModelPrice } from "#src/cli/wiring/model-price.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import type { Config } from "#src/config/config.ts";
import { InputError } from "#src/core/errors.ts";
import type { ResultFormat } from "#src/producer/output/result-writer.ts";
import { embeddingWork } from "#src/producer/run-kinds/embedding/embedding-work.ts";
import { type EmbeddingRunOptions, planEmbedding } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import type { EmbeddingManifest } from "#src/producer/runs/run-manifest.ts";
import type { RecordStore } from "#src/producer/storage/record-store.ts";
import type { EmbeddingPurpose, ModelData } from "#src/providers/provider.ts";
import { printDryRun } from "./embed-output.ts";

export interface EmbedCommandOptions extends CoordinatorCommandOptions, CacheCommandOptions {
  readonly model: string;
  readonly type: EmbeddingPurpose;
  readonly format: ResultFormat;
  readonly withText: boolean;
  /** Undefined: the usual size, or what is safe for a model that takes little. */
  readonly chunkTokens?: number;
  readonly chunkOverlap: number;
  readonly chunk: boolean;
  readonly idField: string;
  readonly textField: string;
  readonly limit?: number;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly force: boolean;
}

/** Some 40 MB with vectors of 1536 floats, if all records waited. */
const DEFAULT_WINDOW = 5_000;

/** `sluice embed`: plan, start workers, coordinate, write. */
export async function runEmbed(paths: readonly string[], options: EmbedCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const request = createRequest(paths, config, options);
  if (options.dryRun) return await printDryRun(request, config, options);
  return await runInFolder(createCommand(request, config, options), config, options);
}

function createCommand(
  request: EmbeddingRunOptions,
  config: Config,
  options: EmbedCommandOptions,
): CoordinatorCommand<EmbeddingManifest, RecordStore> {
  const { provider, model } = request;
  const lanes = requireLanes(config, options.model);
  const cache = resolveCacheFolder(config, options);
  const inputsPerCall = config.registry.findModel(options.model, "embedding").model.maxInputs ?? 1;
  return {
    request: {
      paths: request.sources.paths,
      dir: request.dir,
      force: options.force,
      sluiceVersion: readVersion(),
      now: Date.now(),
    },
    planning: planEmbedding(request),
    lanes: () => lanes,
    canPrestart: true,
    work: (run, dependencies) =>
      embeddingWork({
        ...run,
        provider,
        model,
        inputsPerCall,
        ...createAnswerCacheDeps(cache, dependencies),
      }),
    price: () => findModelPrice(config, options.model, "embedding"),
    defaultWindow: DEFAULT_WINDOW,
  };
}

const DEFAULT_CHUNK_TOKENS = 400;

/** Tokens are estimated, and a table or code has up to half as many again as prose of the same estimate. */
function chooseChunkSize({ chunkTokens }: EmbedCommandOptions, { maxTokens }: ModelData): number {
  if (chunkTokens !== undefined) return chunkTokens;
  return maxTokens === undefined
    ? DEFAULT_CHUNK_TOKENS
    : Math.min(DEFAULT_CHUNK_TOKENS, Math.max(1, Math.floor(maxTokens / 2)));
}

function createRequest(paths: readonly string[], config: Config, options: EmbedCommandOptions): EmbeddingRunOptions {
  const { provider, model } = config.registry.findModel(options.model, "embedding");
  if (model.kind !== "embedding")
    throw new InputError(
      `${options.model} is a chat model and makes no vectors; "sluice models ${provider}" shows which do`,
    );
  const { limit } = options;
  return {
    sources: {
      paths,
      idField: options.idField,
      textField: options.textField,
      chunk: options.chunk ? { tokens: chooseChunkSize(options, model), overlap: options.chunkOverlap } : undefined,
      maxTokens: model.maxTokens,
      limit,
      skipInvalid: options.skipInvalid,
      stdin: process.stdin,
      cwd: process.cwd(),
    },
    dir: resolve(options.out),
    provider,
    model: model.name,
    dimensions: model.dimensions,
    purpose: options.type,
    format: options.format,
    withText: options.withText,
  };
}
