import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatBytes, formatCount, formatMany } from "#src/cli/format/format-number.ts";
import {
  type CacheCommandOptions,
  countCachedItems,
  createAnswerCacheDeps,
  resolveCacheFolder,
} from "#src/cli/options/cache-option.ts";
import { readVersion } from "#src/cli/version.ts";
import {
  type CoordinatorCommand,
  type CoordinatorCommandOptions,
  type RunLanes,
  retryInFolder,
  runInFolder,
} from "#src/cli/wiring/coordinator-command.ts";
import { requireLanes } from "#src/cli/wiring/lanes.ts";
import { findCommonPrice, findModelPrice } from "#src/cli/wiring/model-price.ts";
import { openConfig } from "#src/cli/wiring/open-config.ts";
import type { Config } from "#src/config/config.ts";
import { ConfigError } from "#src/core/errors.ts";
import { requireModelName } from "#src/core/model-name.ts";
import { estimateCostRange } from "#src/core/money.ts";
import type { ComputeAnswerKey } from "#src/producer/cache/answer-key.ts";
import type { CachedAnswerCounts } from "#src/producer/cache/count-cached-answers.ts";
import type { AnswerCacheSettings } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunChatKey, createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { readItemsFile } from "#src/producer/plan/read-items-file.ts";
import { batchWork } from "#src/producer/run-kinds/batch/batch-work.ts";
import { type BatchPlan, type BatchSource, planBatch } from "#src/producer/run-kinds/batch/plan-batch.ts";
import { planBatchRun } from "#src/producer/run-kinds/batch/plan-batch-run.ts";
import { type CostEstimate, estimateChatCost } from "#src/producer/runs/budget/estimate-cost.ts";
import type { BatchManifest } from "#src/producer/runs/run-manifest.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import type { FailureFilter } from "#src/producer/storage/reset-failures.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { describeCost, describeDryRunSavings, describeProblems } from "./embed-output.ts";

export interface BatchCommandOptions extends CoordinatorCommandOptions, CacheCommandOptions {
  readonly model?: string;
  readonly limit?: number;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly force: boolean;
}

/** Requests and answers are larger than texts; how many bytes of them are in Redis is bounded as well. */
const DEFAULT_WINDOW = 2_000;

/** `sluice batch`: plan the file's requests, start workers, coordinate, write what OpenAI's Batch API would. */
export async function runBatchFile(path: string, options: BatchCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const source: BatchSource = {
    path,
    model: options.model,
    registry: config.registry,
    limit: options.limit,
    skipInvalid: options.skipInvalid,
    stdin: process.stdin,
    cwd: process.cwd(),
    exclude: [resolve(options.out)],
  };
  if (options.dryRun) return await printDryRun(source, config, options);
  return await runInFolder(createCommand(source, config, options), config, options);
}

function createCommand(
  source: BatchSource,
  config: Config,
  options: BatchCommandOptions,
): CoordinatorCommand<BatchManifest, RunStore<WireRecord>, BatchPlan> {
  return {
    request: {
      paths: [source.path],
      dir: resolve(options.out),
      force: options.force,
      sluiceVersion: readVersion(),
      now: Date.now(),
    },
    planning: planBatchRun(source),
    ...createBatchSteps(config, resolveCacheFolder(config, options)),
  };
}

/** What does not depend on where the requests came from. */
function createBatchSteps(
  config: Config,
  cache?: AnswerCacheSettings,
): Omit<CoordinatorCommand<BatchManifest, RunStore<WireRecord>, BatchPlan>, "request" | "planning"> {
  return {
    lanes: ({ models }) => requireAllLanes(config, models),
    work: (run, dependencies) =>
      batchWork(run, {
        client: dependencies.client,
        keys: dependencies.keys,
        now: Date.now,
        inputsPerCall: inputsPerCall(config, run.manifest),
        ...createAnswerCacheDeps(cache, dependencies),
      }),
    price: ({ models, kind }) => findCommonPrice(config, models, kind),
    defaultWindow: DEFAULT_WINDOW,
  };
}

/** `sluice retry` of a run from a file of requests. */
export async function retryBatch(
  target: {
    readonly dir: string;
    readonly manifest: BatchManifest;
    readonly requested: FailureFilter;
  },
  config: Config,
  options: CoordinatorCommandOptions,
): Promise<number> {
  requireAllLanes(config, target.manifest.models);
  return await retryInFolder(target, createBatchSteps(config), config, options);
}

/** The lanes of all models; what is missing for any of them is told at once. */
function requireAllLanes(config: Config, models: readonly string[]): RunLanes {
  const problems = new Set<string>();
  const lanes = models.flatMap((model) => {
    try {
      return requireLanes(config, model);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return [];
    }
  });
  if (problems.size > 0) throw new ConfigError([...problems]);
  return lanes;
}

function inputsPerCall(config: Config, { kind, models }: BatchManifest): number {
  return kind === "chat" ? 1 : maxInputs(config, models);
}

/** Of the one model that embeds. */
function maxInputs({ registry }: Config, [name]: readonly string[]): number {
  return (name !== undefined && registry.findModel(name, "embedding").model.maxInputs) || 1;
}

/** Plans into a folder that is thrown away, and says what a run would do. Needs no key and no Redis. */
async function printDryRun(
  source: BatchSource,
  config: Config,
  { json, ...options }: BatchCommandOptions,
): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), "sluice-dry-"));
  try {
    const plan = await planBatch(source, work);
    if (plan.itemsFile === undefined) {
      process.stderr.write(describeProblems(plan));
      return EXIT_CODES.couldNotComplete;
    }
    const { documents: requests, items, duplicates: copies, tokens, endpoint, models, problemCount, bytes } = plan;
    const keys = (cache: AnswerCacheSettings) => createKeyFunction(plan, cache);
    const known = await countCachedItems(resolveCacheFolder(config, options), keys, plan.itemsFile);
    const cached = known.items;
    const cost = await estimateCost(plan, known, plan.itemsFile, config);
    const perCall = endpoint === "/v1/embeddings" ? maxInputs(config, models) : 1;
    const calls = Math.ceil((items - copies - cached) / perCall);
    const dry = {
      requests,
      items,
      estimatedTokens: tokens,
      copies,
      cached,
      calls,
      endpoint,
      models,
      cost,
      leftOut: problemCount,
    };
    process.stdout.write(
      json
        ? `${JSON.stringify({ event: "dry-run", ...dry })}\n`
        : [
            `requests   ${formatCount(requests)} for ${endpoint} (${formatBytes(bytes)})`,
            ...(items === requests ? [] : [`texts      ${formatCount(items)}`]),
            `models     ${models.join(", ")}`,
            `tokens     ${formatCount(tokens)} of input (estimated)`,
            ...describeDryRunSavings({ copies, cached }),
            `calls      ${formatCount(calls)}`,
            `cost       ${describeCost(cost)}`,
            ...(problemCount > 0 ? [`left out   ${formatMany(problemCount, "problem")} (--skip-invalid)`] : []),
            "Nothing was sent.",
            "",
          ].join("\n"),
    );
    return EXIT_CODES.ok;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Texts have only their tokens to pay for; answers are estimated request by request. */
async function estimateCost(
  { endpoint, models, tokens, duplicates, duplicateTokens, items }: BatchPlan,
  known: CachedAnswerCounts,
  itemsFile: string,
  config: Config,
): Promise<CostEstimate | undefined> {
  if (endpoint === "/v1/embeddings") {
    const price = findCommonPrice(config, models, "embedding");
    const range = price && estimateCostRange(price, { input: tokens - duplicateTokens - known.tokens, output: 0 });
    return range && { ...range, currency: price.currency };
  }
  const priced = new Map(
    models.map((name) => {
      const { maxOutputTokens } = config.registry.findModel(name, "chat").model;
      return [name, { price: findModelPrice(config, name, "chat"), maxOutputTokens }];
    }),
  );
  const estimate = await estimateChatCost(
    readItemsFile(itemsFile),
    items,
    ({ metadata }) => priced.get(String(metadata?.model)) ?? { price: undefined, maxOutputTokens: undefined },
  );
  // Requests that are answered already are taken to be like the others.
  const share = items > duplicates ? 1 - known.items / (items - duplicates) : 1;
  return estimate && scaleRange(estimate, share);
}

function scaleRange({ low, expected, high, currency }: CostEstimate, share: number): CostEstimate {
  return { low: low * share, expected: expected * share, high: high * share, currency };
}

/** As the run's own work makes them. */
function createKeyFunction(
  { endpoint, models, askedDimensions }: BatchPlan,
  cache: AnswerCacheSettings,
): ComputeAnswerKey {
  if (endpoint !== "/v1/embeddings") return createRunChatKey(cache);
  const [name = ""] = models;
  const { provider, model } = requireModelName(name);
  return createRunEmbeddingKey(cache, { provider, model, purpose: "db", dimensions: askedDimensions });
}
