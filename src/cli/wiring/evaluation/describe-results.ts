import { formatDuration } from "#src/cli/format/format-duration.ts";
import { formatCount, formatMany, formatMoney, formatPercent, UNKNOWN_VALUE } from "#src/cli/format/format-number.ts";
import { formatTable } from "#src/cli/format/format-table.ts";
import { sanitize } from "#src/cli/format/sanitize.ts";
import { formatPValue } from "#src/evaluation/results/format-score.ts";
import type { Estimate, Metric, MetricComparison } from "#src/evaluation/results/results.ts";
import type { ScoreRange } from "#src/evaluation/scorer.ts";
import type { PositionCounts } from "#src/evaluation/scorer-call.ts";
import { EVALUATION_FILES } from "#src/producer/output/result-writer.ts";
import type { ScoreChanges } from "#src/producer/run-kinds/evaluation/previous-scores.ts";
import type { ScorerCallResult } from "#src/producer/run-kinds/evaluation/scorer-calls/count-scorer-calls.ts";
import type { EvaluationResults } from "#src/producer/run-kinds/evaluation/write-results.ts";

/** The level below which a difference is called significant. */
const LEVEL = 0.05;

/** The results as tables: one per dataset, prompt, and scorer, then the models' calls. */
export function describeResults(results: EvaluationResults, changes: ScoreChanges | undefined, dir: string): string {
  const { metrics, comparisons, confidence } = results;
  const keys = [...new Set(metrics.map(toHeading))];
  const sections = keys.map((heading) => {
    const own = metrics.filter((metric) => toHeading(metric) === heading);
    const against = comparisons.filter((comparison) => toHeading(comparison) === heading);
    return [
      heading,
      describeMetrics(own),
      ...describeErrors(own),
      ...describeGroups(own),
      ...against.map(describeComparison),
    ].join("\n");
  });
  return [
    ...sections.map((section) => `${section}\n`),
    describeModels(results),
    ...results.scorerCalls.flatMap(describeScorerCalls),
    "",
    `Intervals have a confidence of ${formatPercent(confidence)}. Samples without an answer, and answers that cannot be read, are not wrong answers.`,
    ...(changes === undefined ? [] : [describeChanges(changes)]),
    `  ${dir}/${EVALUATION_FILES.results}`,
    "",
  ].join("\n");
}

/** What a table of scores is about. */
export function toHeading({ dataset, prompt, scorer }: { dataset: string; prompt: string; scorer: string }): string {
  return prompt === "default" ? `${dataset}, ${scorer}` : `${dataset}, ${scorer}, prompt ${prompt}`;
}

function describeMetrics(metrics: readonly Metric[]): string {
  const columns = [
    { title: "model" },
    { title: "score", align: "right" },
    { title: "interval" },
    { title: "items", align: "right" },
    { title: "unparseable", align: "right" },
    { title: "refused", align: "right" },
    { title: "failed", align: "right" },
    { title: "errors", align: "right" },
  ] as const;
  const rows = metrics.map((metric) => [
    metric.model,
    ...describeEstimate(metric, metric),
    formatCount(metric.items),
    formatCount(metric.unparseable),
    formatCount(metric.refused),
    formatCount(metric.unanswered - metric.refused),
    formatCount(metric.errors),
  ]);
  return formatTable(columns, rows);
}

function describeErrors(metrics: readonly Metric[]): string[] {
  return metrics.flatMap(({ model, errors, firstError }) =>
    firstError === undefined
      ? []
      : `${formatMany(errors, "item")} of ${model} could not be scored; the first is ${sanitize(firstError.item)}: ${sanitize(firstError.reason)}`,
  );
}

function describeGroups(metrics: readonly Metric[]): string[] {
  const rows = metrics.flatMap((metric) =>
    metric.groups.map((group) => [
      group.field,
      group.value,
      metric.model,
      ...describeEstimate(group, metric),
      formatCount(group.items),
    ]),
  );
  if (rows.length === 0) return [];
  const sorted = rows.toSorted((a, b) => compareText(a[0], b[0]) || compareText(a[1], b[1]));
  const columns = [
    { title: "by" },
    { title: "", maxWidth: 40 },
    { title: "model" },
    { title: "score", align: "right" },
    { title: "interval" },
    { title: "items", align: "right" },
  ] as const;
  return ["", formatTable(columns, sorted)];
}

function compareText(a = "", b = ""): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function describeEstimate({ mean, interval }: Estimate, { range }: Pick<Metric, "range">): [string, string] {
  const format = range === "number" ? formatPlainNumber : formatPercent;
  if (mean === null) return ["-", ""];
  return [format(mean), interval === null ? "" : `${format(interval.low)} to ${format(interval.high)}`];
}

function formatPlainNumber(value: number): string {
  return value.toFixed(3);
}

/** "glm-4-plus is better than glm-4 by 3.2 points (1.0 to 5.4), p = 0.004: won 40, lost 12 of 500 items" */
export function describeComparison(comparison: MetricComparison): string {
  const { model, baseline, range, items, difference, interval, adjustedPValue, won, lost, itemsNeeded } = comparison;
  const format = (value: number) => formatDifference(value, range);
  const isSignificant = adjustedPValue < LEVEL;
  const size = `${format(difference)}${interval === null ? "" : ` (${format(interval.low)} to ${format(interval.high)})`}`;
  const verdict = isSignificant
    ? `${model} is ${difference > 0 ? "better" : "worse"} than ${baseline}`
    : `too few items to tell ${model} from ${baseline}`;
  const needed =
    isSignificant || itemsNeeded === null || itemsNeeded <= items
      ? ""
      : `; a difference of this size needs ${formatMany(itemsNeeded, "item")}`;
  const p = formatPValue(adjustedPValue);
  return `${verdict}: ${size}, p ${p.startsWith("<") ? p : `= ${p}`}, won ${formatCount(won)}, lost ${formatCount(lost)} of ${formatMany(items, "item")}${needed}`;
}

/** A signed difference: in points for scores between 0 and 1. */
export function formatDifference(value: number, range: ScoreRange): string {
  return `${value > 0 ? "+" : ""}${range === "number" ? value.toFixed(3) : (value * 100).toFixed(1)}`;
}

/** How the calls of the models ended. */
export function describeModels({ models, cost }: Pick<EvaluationResults, "models" | "cost">): string {
  const columns = [
    { title: "model" },
    { title: "samples", align: "right" },
    { title: "refused", align: "right" },
    { title: "failed", align: "right" },
    { title: "input tokens", align: "right" },
    { title: "output tokens", align: "right" },
    { title: "cost", align: "right" },
    { title: "median time", align: "right" },
    { title: "95 %", align: "right" },
  ] as const;
  const rows = models.map(
    ({ label, samples, promptTokens, completionTokens, cost, medianDurationMs, p95DurationMs }) => [
      label,
      formatCount(samples.total),
      formatCount(samples.refused),
      formatCount(samples.failed),
      formatCount(promptTokens),
      formatCount(completionTokens),
      cost === undefined ? UNKNOWN_VALUE : formatMoney(cost.amount, cost.currency),
      formatDuration(medianDurationMs),
      formatDuration(p95DurationMs),
    ],
  );
  const total = cost === undefined ? [] : [`The calls cost ${formatMoney(cost.amount, cost.currency)}.`];
  return [formatTable(columns, rows), ...total].join("\n");
}

/** What the calls of a scorer took, and what is known about its judges. */
function describeScorerCalls(result: ScorerCallResult): string[] {
  const { scorer, calls, unanswered, cost, judges = [], agreement, positions } = result;
  const price = cost === undefined ? "an unknown amount" : formatMoney(cost.amount, cost.currency);
  const open = unanswered === 0 ? "" : `, ${formatCount(unanswered)} without an answer`;
  const counts = judges.map(({ model, verdicts, unparseable, refused, failed }) => {
    const others = `${formatCount(unparseable)} unparseable, ${formatCount(refused)} refused, ${formatCount(failed)} failed`;
    return `  ${model}: ${formatMany(verdicts, "verdict")}, ${others}`;
  });
  const alpha = agreement === null ? "undefined, because there is nothing to compare" : agreement?.toFixed(3);
  return [
    sanitize(`${scorer} needs ${formatMany(calls, "call")} of its own${open}, for ${price}`),
    ...counts,
    ...(alpha === undefined ? [] : [`  agreement of the judges (Krippendorff's alpha): ${alpha}`]),
    ...(positions === undefined ? [] : [describePositions(positions)]),
  ];
}

function describePositions({ pairs, first, second }: PositionCounts): string {
  const counts = `for ${formatCount(first)} it prefers the first answer in both orders, for ${formatCount(second)} the second`;
  return `  of ${formatMany(pairs, "pair")}, the verdict depends on the order of the answers: ${counts}`;
}

function describeChanges({ changed, first, added }: ScoreChanges): string {
  const shown = first.map(
    ({ id, scorer, before, after }) => `  ${sanitize(id)}: ${sanitize(scorer)} was ${before}, is ${after}`,
  );
  const more = changed - new Set(first.map(({ id }) => id)).size;
  return [
    changed === 0
      ? "No sample has another score than before."
      : `${formatMany(changed, "sample")} with another score than before:`,
    ...shown,
    ...(more > 0 ? [`  ... and ${formatMany(more, "sample")} more`] : []),
    ...(added.length > 0 ? [`New: ${added.map((name) => sanitize(name)).join(", ")}.`] : []),
  ].join("\n");
}
