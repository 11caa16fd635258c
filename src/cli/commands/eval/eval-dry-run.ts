import { type BatchDryRun, describePerModel, estimateBatchRun } from "#src/cli/commands/batch/batch-dry-run.ts";
import { formatLimits } from "#src/cli/format/format-limits.ts";
import { formatBytes, formatCount, formatMany, formatPercent } from "#src/cli/format/format-number.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import {
  type DryRunLine,
  describeCostEstimate,
  describeReuse,
  describeTime,
  printDryRun,
} from "#src/cli/wiring/dry-run.ts";
import type { Config } from "#src/config/config.ts";
import { DEFAULT_DESIGN, itemsNeeded, smallestDetectableDifference } from "#src/evaluation/statistics/power.ts";
import {
  type EvaluationPlan,
  type EvaluationSource,
  planEvaluation,
} from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import type { EvaluationSpec } from "#src/producer/run-kinds/evaluation/spec/evaluation-spec.ts";
import type { evalCommand } from "./definition.ts";

type EvalOptions = OptionValues<typeof evalCommand>;

interface EvaluationDryRun extends BatchDryRun {
  readonly rows: number;
  /** The smallest difference of two models that a paired comparison of all rows shows with this chance. */
  readonly detectable: { readonly difference: number; readonly power: number };
  readonly needed: { readonly difference: number; readonly rows: number } | undefined;
}

/** `sluice eval --dry-run` */
export async function printEvaluationDryRun(
  source: EvaluationSource,
  config: Config,
  options: EvalOptions,
): Promise<number> {
  return await printDryRun(
    (dir) => planEvaluation(source, dir),
    async (plan, dir): Promise<EvaluationDryRun> => ({
      ...(await estimateBatchRun(plan, dir, config, options)),
      ...estimatePower(plan, source.spec, options),
    }),
    (estimate, plan) => describeEstimate(estimate, plan, source.spec),
    options.json,
  );
}

function estimatePower({ datasets }: EvaluationPlan, { samples }: EvaluationSpec, { power, detect }: EvalOptions) {
  const rows = datasets.reduce((sum, { items }) => sum + items, 0);
  const design = { ...DEFAULT_DESIGN, samples, power: power ?? DEFAULT_DESIGN.power };
  return {
    rows,
    detectable: { difference: smallestDetectableDifference(rows, design), power: design.power },
    needed: detect === undefined ? undefined : { difference: detect, rows: itemsNeeded(detect, design) },
  };
}

function describeEstimate(
  estimate: EvaluationDryRun,
  { bytes, datasets }: EvaluationPlan,
  { models, prompts, samples }: EvaluationSpec,
): DryRunLine[] {
  const { rows, estimatedTokens, items, calls, perModel, atLeastMs, likelyMs, detectable, needed, adjustments } =
    estimate;
  const factors = [
    formatMany(rows, "row"),
    formatMany(models.length, "model"),
    ...(prompts.length > 1 ? [formatMany(prompts.length, "prompt")] : []),
    ...(samples > 1 ? [formatMany(samples, "sample")] : []),
  ];
  const names = datasets.map((dataset) => `${dataset.name} (${formatMany(dataset.items, "row")})`);
  return [
    ["datasets", `${names.join(", ")}, ${formatBytes(bytes)} read`],
    ["models", models.map(({ label }) => label).join(", ")],
    ["samples", `${formatCount(items)} = ${factors.join(" x ")}`],
    ["tokens", `${formatCount(estimatedTokens)} of input (estimated)`],
    ...describeReuse(estimate),
    ["calls", formatCount(calls)],
    ...describePerModel("limits", perModel, ({ limits }) => formatLimits(limits) || "none known"),
    ["time", describeTime(atLeastMs, likelyMs)],
    ...describePerModel("cost", perModel, ({ cost }) => describeCostEstimate(cost)),
    [
      "shows",
      `differences between two models from ${formatPercent(detectable.difference)} on, with a chance of ${formatPercent(detectable.power)}`,
    ],
    [
      "needed",
      needed && `${formatMany(needed.rows, "row")} to show a difference of ${formatPercent(needed.difference)}`,
    ],
    ...adjustments.map((adjustment) => ["adjusted", adjustment] as const),
  ];
}
