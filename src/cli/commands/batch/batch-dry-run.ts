import { formatBytes, formatCount } from "#src/cli/format/format-number.ts";
import { type CacheCommandOptions, countCachedItems, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import {
  type DryRunEstimate,
  type DryRunLine,
  describeCostEstimate,
  describeReuse,
  printDryRun,
} from "#src/cli/wiring/dry-run.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { findCommonPrice } from "#src/cli/wiring/model-price.ts";
import { findCallTime } from "#src/cli/wiring/off-peak.ts";
import type { Config } from "#src/config/config.ts";
import { requireModelName } from "#src/core/model-name.ts";
import { estimateCostRange } from "#src/core/money.ts";
import type { ComputeAnswerKey } from "#src/producer/cache/answer-key.ts";
import type { CachedAnswerCounts } from "#src/producer/cache/count-cached-answers.ts";
import type { AnswerCacheSettings } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunChatKey, createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { type BatchPlan, type BatchSource, planBatch } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import { type CostEstimate, estimateChatCost } from "#src/producer/runs/budget/estimate-cost.ts";
import { readItems } from "#src/producer/storage/read-items.ts";

interface BatchDryRun extends DryRunEstimate {
  readonly requests: number;
  readonly endpoint: BatchPlan["endpoint"];
  readonly models: readonly string[];
  /** What would be sent differently from the requests. */
  readonly adjustments: readonly string[];
  /** Problems that were skipped. */
  readonly leftOut: number;
}

/** `sluice batch --dry-run` */
export async function printBatchDryRun(
  source: BatchSource,
  config: Config,
  options: { readonly json: boolean; readonly offPeak: boolean } & CacheCommandOptions,
): Promise<number> {
  return await printDryRun(
    (dir) => planBatch(source, dir),
    (plan, dir) => estimateRun(plan, dir, config, options),
    describeEstimate,
    options.json,
  );
}

async function estimateRun(
  plan: BatchPlan,
  dir: string,
  config: Config,
  options: { readonly offPeak: boolean } & CacheCommandOptions,
): Promise<BatchDryRun> {
  writeModelNotices(config, plan.models);
  const at = findCallTime(config, plan.models, options.offPeak, Date.now());
  const { documents: requests, items, duplicates: copies, tokens, endpoint, models, adjustments, problemCount } = plan;
  const known = await countCachedItems(
    resolveCacheFolder(config, options),
    (cache) => createAnswerKeyFunction(plan, cache),
    dir,
  );
  return {
    requests,
    items,
    estimatedTokens: tokens,
    copies,
    cached: known.items,
    calls: Math.ceil((items - copies - known.items) / findInputsPerCall(plan, config)),
    endpoint,
    models,
    cost: await estimateCost(plan, known, dir, config, at),
    adjustments,
    leftOut: problemCount,
  };
}

function findInputsPerCall({ endpoint, models: [model] }: BatchPlan, { registry }: Config): number {
  if (endpoint !== "/v1/embeddings" || model === undefined) return 1;
  return createMaxInputsFinder(registry)(model);
}

function describeEstimate(estimate: BatchDryRun, { bytes }: BatchPlan): DryRunLine[] {
  const { requests, items, estimatedTokens, endpoint, models, calls, cost, adjustments } = estimate;
  return [
    ["requests", `${formatCount(requests)} for ${endpoint} (${formatBytes(bytes)})`],
    ["texts", items === requests ? undefined : formatCount(items)],
    ["models", models.join(", ")],
    ["tokens", `${formatCount(estimatedTokens)} of input (estimated)`],
    ...describeReuse(estimate),
    ["calls", formatCount(calls)],
    ["cost", describeCostEstimate(cost)],
    ...adjustments.map((adjustment) => ["adjusted", adjustment] as const),
  ];
}

/** Embeddings cost only their input tokens; chat answers are estimated request by request. */
async function estimateCost(
  { endpoint, models, tokens, duplicates, duplicateTokens, items }: BatchPlan,
  known: CachedAnswerCounts,
  dir: string,
  config: Config,
  at: number,
): Promise<CostEstimate | undefined> {
  if (endpoint === "/v1/embeddings") {
    const price = findCommonPrice(config, models);
    const range =
      price &&
      estimateCostRange({ ...price, tiers: [] }, { input: tokens - duplicateTokens - known.tokens, output: 0 }, at);
    return range && { ...range, currency: price.currency };
  }
  const priced = new Map(
    models.map((name) => {
      const { price, maxOutputTokens } = config.registry.findModel(name, "chat").model;
      return [name, { price, maxOutputTokens }];
    }),
  );
  const estimate = await estimateChatCost(
    readItems(dir),
    items,
    ({ metadata }) => priced.get(String(metadata?.model)) ?? { price: undefined, maxOutputTokens: undefined },
    at,
  );
  // Requests that are in the cache are assumed to cost as much as the others.
  const share = items > duplicates ? 1 - known.items / (items - duplicates) : 1;
  return estimate && scaleCost(estimate, share);
}

function scaleCost({ low, expected, high, currency }: CostEstimate, share: number): CostEstimate {
  return { low: low * share, expected: expected * share, high: high * share, currency };
}

/** The same keys as those of the run itself. */
function createAnswerKeyFunction(
  { endpoint, models, askedDimensions, embeddingOptions: options, tokenIds }: BatchPlan,
  cache: AnswerCacheSettings,
): ComputeAnswerKey {
  if (endpoint !== "/v1/embeddings") return createRunChatKey(cache);
  const [name = ""] = models;
  const { provider, model } = requireModelName(name);
  const request = { provider, model, purpose: "db", dimensions: askedDimensions, options, tokenIds };
  return createRunEmbeddingKey(cache, request);
}
