import { formatBytes, formatCount, formatMany, formatPercent } from "#src/cli/format/format-number.ts";
import { countCachedItems, resolveCacheFolder } from "#src/cli/options/cache-option.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import {
  type DryRunEstimate,
  type DryRunLine,
  describeCostEstimate,
  describeReuse,
  printDryRun,
} from "#src/cli/wiring/dry-run.ts";
import { writeModelNotices } from "#src/cli/wiring/model-notices.ts";
import { findCallTime } from "#src/cli/wiring/off-peak.ts";
import type { Config } from "#src/config/config.ts";
import { DEFAULT_DESIGN, itemsNeeded, smallestDetectableDifference } from "#src/evaluation/statistics/power.ts";
import { createRunChatKey } from "#src/producer/cache/run-answer-keys.ts";
import {
  type EvaluationPlan,
  type EvaluationSource,
  planEvaluation,
} from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import { estimateChatCost } from "#src/producer/runs/budget/estimate-cost.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import type { evalCommand } from "./definition.ts";

interface EvaluationDryRun extends DryRunEstimate {
  readonly rows: number;
  readonly models: readonly string[];
  readonly prompts: number;
  readonly samples: number;
  /** The smallest difference of two models that a paired comparison of all rows shows with this chance. */
  readonly detectable: { readonly difference: number; readonly power: number };
  readonly needed: { readonly difference: number; readonly rows: number } | undefined;
  readonly adjustments: readonly string[];
}

/** `sluice eval --dry-run` */
export async function printEvaluationDryRun(
  source: EvaluationSource,
  config: Config,
  options: OptionValues<typeof evalCommand>,
): Promise<number> {
  return await printDryRun(
    (dir) => planEvaluation(source, dir),
    (plan, dir) => estimateEvaluation(plan, dir, source, config, options),
    describeEstimate,
    options.json,
  );
}

async function estimateEvaluation(
  plan: EvaluationPlan,
  dir: string,
  { spec }: EvaluationSource,
  config: Config,
  options: OptionValues<typeof evalCommand>,
): Promise<EvaluationDryRun> {
  const models = [...new Set(spec.models.map(({ model }) => model))];
  writeModelNotices(config, models);
  const cached = await countCachedItems(resolveCacheFolder(config, options), (cache) => createRunChatKey(cache), dir);
  const priced = new Map(
    models.map((name) => {
      const { price, maxOutputTokens } = config.registry.findModel(name, "chat").model;
      return [name, { price, maxOutputTokens }];
    }),
  );
  const at = findCallTime(config, models, options.offPeak, Date.now());
  const modelOf = (name: unknown) => priced.get(String(name)) ?? { price: undefined, maxOutputTokens: undefined };
  const rows = plan.datasets.reduce((sum, { items }) => sum + items, 0);
  const design = { ...DEFAULT_DESIGN, samples: spec.samples, power: options.power ?? DEFAULT_DESIGN.power };
  return {
    rows,
    models: spec.models.map(({ label }) => label),
    prompts: spec.prompts.length,
    samples: spec.samples,
    items: plan.items,
    estimatedTokens: plan.tokens,
    copies: plan.duplicates,
    cached: cached.items,
    calls: plan.items - plan.duplicates - cached.items,
    cost: await estimateChatCost(readItems(dir), plan.items, ({ metadata }) => modelOf(metadata?.model), at),
    detectable: { difference: smallestDetectableDifference(rows, design), power: design.power },
    needed:
      options.detect === undefined
        ? undefined
        : { difference: options.detect, rows: itemsNeeded(options.detect, design) },
    adjustments: plan.adjustments,
  };
}

function describeEstimate(estimate: EvaluationDryRun, { bytes, datasets }: EvaluationPlan): DryRunLine[] {
  const { rows, models, prompts, samples, estimatedTokens, calls, cost, detectable, needed, adjustments } = estimate;
  const factors = [
    formatMany(rows, "row"),
    formatMany(models.length, "model"),
    ...(prompts > 1 ? [formatMany(prompts, "prompt")] : []),
    ...(samples > 1 ? [formatMany(samples, "sample")] : []),
  ];
  return [
    [
      "datasets",
      `${datasets.map(({ name, items }) => `${name} (${formatCount(items)})`).join(", ")}, ${formatBytes(bytes)}`,
    ],
    ["models", models.join(", ")],
    ["calls", `${formatCount(calls)} = ${factors.join(" x ")}`],
    ["tokens", `${formatCount(estimatedTokens)} of input (estimated)`],
    ...describeReuse(estimate),
    ["cost", describeCostEstimate(cost)],
    [
      "shows",
      `differences of two models from ${formatPercent(detectable.difference)} on, with a chance of ${formatPercent(detectable.power)}`,
    ],
    [
      "needed",
      needed && `${formatMany(needed.rows, "row")} to show a difference of ${formatPercent(needed.difference)}`,
    ],
    ...adjustments.map((adjustment) => ["adjusted", adjustment] as const),
  ];
}
