import { formatLimits } from "#src/cli/format/format-limits.ts";
import { formatBytes, formatCount } from "#src/cli/format/format-number.ts";
import { type CacheCommandOptions, countCachedItems, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import {
  type DryRunEstimate,
  type DryRunLine,
  describeCostEstimate,
  describeReuse,
  describeTime,
  printDryRun,
} from "#src/cli/wiring/dry-run.ts";
import { listModelLimits } from "#src/cli/wiring/lanes.ts";
import { createMaxInputsFinder } from "#src/cli/wiring/max-inputs.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { findCallTime } from "#src/cli/wiring/off-peak.ts";
import type { Config } from "#src/config/config.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import { requireModelName } from "#src/core/model-name.ts";
import { estimateCostRange } from "#src/core/money.ts";
import type { ComputeAnswerKey } from "#src/producer/cache/answer-key.ts";
import type { CachedAnswerCounts } from "#src/producer/cache/count-cached-answers.ts";
import type { AnswerCacheSettings } from "#src/producer/cache/open-answer-resolver.ts";
import { createRunChatKey, createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import { type BatchPlan, type BatchSource, planBatch } from "#src/producer/run-kinds/batch/read-batch-file.ts";
import { estimateChatRun, scaleCost, sumCosts } from "#src/producer/runs/budget/estimate-chat-run.ts";
import { estimateMinDurationMs } from "#src/producer/runs/budget/estimate-min-duration.ts";
import { readItems } from "#src/producer/storage/read-items.ts";

/** What a dry run of chat or embedding requests found. */
export interface BatchDryRun extends DryRunEstimate {
  readonly requests: number;
  readonly endpoint: BatchPlan["endpoint"];
  readonly models: readonly string[];
  readonly perModel: readonly ModelDryRun[];
  /** The time that the limits allow if answers have the usual length. */
  readonly likelyMs: number | undefined;
  /** What would be sent differently from the requests. */
  readonly adjustments: readonly string[];
  /** Problems that were skipped. */
  readonly leftOut: number;
}

interface ModelDryRun extends Pick<DryRunEstimate, "calls" | "atLeastMs" | "cost"> {
  readonly model: string;
  readonly likelyMs: number | undefined;
  readonly limits: LaneLimits;
}

/** What a model would be charged for. */
interface ModelUsage extends Pick<ModelDryRun, "model" | "calls" | "cost"> {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** `sluice batch --dry-run` */
export async function printBatchDryRun(
  source: BatchSource,
  config: Config,
  options: { readonly json: boolean; readonly offPeak: boolean } & CacheCommandOptions,
): Promise<number> {
  return await printDryRun(
    (dir) => planBatch(source, dir),
    (plan, dir) => estimateBatchRun(plan, dir, config, options),
    describeEstimate,
    options.json,
  );
}

/** Estimates calls, time, and cost of the run that was planned into `dir`. */
export async function estimateBatchRun(
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
  const usage =
    endpoint === "/v1/embeddings"
      ? estimateEmbeddings(plan, known, config, at)
      : await estimateChats(plan, known, dir, config, at);
  const perModel = usage.map((each) => estimateModel(each, config));
  return {
    requests,
    items,
    estimatedTokens: tokens,
    copies,
    cached: known.items,
    calls: perModel.reduce((sum, { calls }) => sum + calls, 0),
    endpoint,
    models,
    atLeastMs: findLongest(perModel.map(({ atLeastMs }) => atLeastMs)),
    likelyMs: findLongest(perModel.map(({ likelyMs }) => likelyMs)),
    cost: sumCosts(perModel.map(({ cost }) => cost)),
    perModel,
    adjustments,
    leftOut: problemCount,
  };
}

function estimateModel({ model, calls, cost, inputTokens, outputTokens }: ModelUsage, config: Config): ModelDryRun {
  const lanes = listModelLimits(config, model);
  const atLeastMs = estimateMinDurationMs(lanes, calls, inputTokens);
  const likelyMs = estimateMinDurationMs(lanes, calls, inputTokens + outputTokens);
  return { model, calls, atLeastMs, likelyMs, limits: lanes[0] ?? {}, cost };
}

/** Models are called at the same time. Undefined if no duration is known. */
function findLongest(durations: readonly (number | undefined)[]): number | undefined {
  const known = durations.filter((duration) => duration !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function describeEstimate(estimate: BatchDryRun, { bytes }: BatchPlan): DryRunLine[] {
  const { requests, items, estimatedTokens, endpoint, models, calls, adjustments, perModel } = estimate;
  return [
    ["requests", `${formatCount(requests)} for ${endpoint} (${formatBytes(bytes)})`],
    ["texts", items === requests ? undefined : formatCount(items)],
    ["models", models.join(", ")],
    ["tokens", `${formatCount(estimatedTokens)} of input (estimated)`],
    ...describeReuse(estimate),
    ["calls", formatCount(calls)],
    ...describePerModel("limits", perModel, ({ limits }) => formatLimits(limits) || "none known"),
    ["time", describeTime(estimate.atLeastMs, estimate.likelyMs)],
    ...describePerModel("cost", perModel, ({ cost }) => describeCostEstimate(cost)),
    ...adjustments.map((adjustment) => ["adjusted", adjustment] as const),
  ];
}

/** One line per model, which names it if there are several. */
export function describePerModel(
  name: string,
  models: readonly ModelDryRun[],
  describe: (model: ModelDryRun) => string,
): DryRunLine[] {
  if (models.length === 1) return models.map((each) => [name, describe(each)]);
  return models.map((each, at) => [at === 0 ? name : "", `${each.model}: ${describe(each)}`]);
}

/** Embeddings have input tokens only, and all requests use one model. */
function estimateEmbeddings(
  { models: [model], tokens, items, duplicates, duplicateTokens }: BatchPlan,
  known: CachedAnswerCounts,
  { registry }: Config,
  at: number,
): ModelUsage[] {
  if (model === undefined) return [];
  const { price } = registry.findModel(model).model;
  const inputTokens = tokens - duplicateTokens - known.tokens;
  const range = price && estimateCostRange({ ...price, tiers: [] }, { input: inputTokens, output: 0 }, at);
  const calls = Math.ceil((items - duplicates - known.items) / createMaxInputsFinder(registry)(model));
  return [{ model, calls, inputTokens, outputTokens: 0, cost: range && { ...range, currency: price.currency } }];
}

/** Chat answers are estimated request by request. */
async function estimateChats(
  { models, duplicates, items }: BatchPlan,
  known: CachedAnswerCounts,
  dir: string,
  { registry }: Config,
  at: number,
): Promise<ModelUsage[]> {
  const described = new Map(
    models.map((name) => {
      const { price, maxOutputTokens } = registry.findModel(name, "chat").model;
      return [name, { price, maxOutputTokens }];
    }),
  );
  // Requests that are in the cache are assumed to use as much as the others.
  const share = items > duplicates ? 1 - known.items / (items - duplicates) : 1;
  const estimates = await estimateChatRun(readItems(dir), items, described, at);
  return [...estimates].map(([model, { requests, inputTokens, outputTokens, cost }]) => ({
    model,
    calls: Math.round(requests * share),
    inputTokens: inputTokens * share,
    outputTokens: outputTokens * share,
    cost: cost && scaleCost(cost, share),
  }));
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
