import { formatLimits } from "#src/cli/format/format-limits.ts";
import { formatBytes, formatCount, formatMany } from "#src/cli/format/format-number.ts";
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
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { findCallTime } from "#src/cli/wiring/off-peak.ts";
import type { Config } from "#src/config/config.ts";
import type { LaneLimits } from "#src/core/lane.ts";
import { estimateCostRange } from "#src/core/money.ts";
import { createRunEmbeddingKey } from "#src/producer/cache/run-answer-keys.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { planItems } from "#src/producer/plan/plan-items.ts";
import type { EmbeddingRunOptions } from "#src/producer/run-kinds/embedding/plan-embedding.ts";
import { estimateMinDurationMs } from "#src/producer/runs/budget/estimate-min-duration.ts";

interface EmbedDryRun extends DryRunEstimate {
  readonly documents: number;
  readonly maxInputs: number;
  readonly limits: LaneLimits;
}

/** `sluice embed --dry-run` */
export async function printEmbedDryRun(
  request: EmbeddingRunOptions,
  config: Config,
  options: { readonly json: boolean; readonly offPeak: boolean } & CacheCommandOptions,
): Promise<number> {
  return await printDryRun(
    (dir) => planItems({ ...request.sources, exclude: [request.dir] }, dir),
    (plan, dir) => estimateRun(plan, dir, request, config, options),
    describeEstimate,
    options.json,
  );
}

async function estimateRun(
  plan: Plan,
  dir: string,
  { provider, model, purpose, askedDimensions }: EmbeddingRunOptions,
  config: Config,
  options: { readonly offPeak: boolean } & CacheCommandOptions,
): Promise<EmbedDryRun> {
  const cached = await countCachedItems(
    resolveCacheFolder(config, options),
    (cache) => createRunEmbeddingKey(cache, { provider, model, purpose, dimensions: askedDimensions }),
    dir,
  );
  const fullName = `${provider}/${model}`;
  writeModelNotices(config, [fullName]);
  const { maxInputs = 1, price } = config.registry.findModel(fullName, "embedding").model;
  const tokens = plan.tokens - plan.duplicateTokens - cached.tokens;
  const calls = Math.ceil((plan.items - plan.duplicates - cached.items) / maxInputs);
  const lanes = listModelLimits(config, fullName);
  const at = findCallTime(config, [fullName], options.offPeak, Date.now());
  const range = price && estimateCostRange({ ...price, tiers: [] }, { input: tokens, output: 0 }, at);
  return {
    items: plan.items,
    documents: plan.documents,
    estimatedTokens: plan.tokens,
    copies: plan.duplicates,
    cached: cached.items,
    calls,
    maxInputs,
    atLeastMs: estimateMinDurationMs(lanes, calls, tokens),
    limits: lanes[0] ?? {},
    cost: range && { ...range, currency: price.currency },
  };
}

function describeEstimate(estimate: EmbedDryRun, plan: Plan): DryRunLine[] {
  const { items, documents, estimatedTokens, calls, maxInputs, atLeastMs, limits, cost } = estimate;
  return [
    [
      "items",
      `${formatCount(items)} from ${formatMany(documents, "document")} in ${formatMany(plan.files, "file")} (${formatBytes(plan.bytes)})`,
    ],
    ["tokens", `${formatCount(estimatedTokens)} (estimated)`],
    ...describeReuse(estimate),
    ["calls", `${formatCount(calls)} with up to ${formatMany(maxInputs, "text")} each`],
    ["limits", formatLimits(limits) || "none known"],
    ["time", describeTime(atLeastMs)],
    ["cost", describeCostEstimate(cost)],
  ];
}
