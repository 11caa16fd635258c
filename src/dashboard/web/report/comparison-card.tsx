import { Card } from "#src/dashboard/web/components/card.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import type { ReportHead } from "#src/evaluation/report/report-data.ts";
import {
  formatEstimate,
  formatPValue,
  formatScoreDifference,
  formatScoreTick,
} from "#src/evaluation/results/format-score.ts";
import { ForestPlot } from "./charts/forest-plot.tsx";
import { listComparisons, type ReportComparison } from "./sections.ts";
import { texts } from "./texts/texts.ts";

/** The level below which a difference is called significant, as in the tables of the command line. */
const LEVEL = 0.05;

/** Paired comparisons with the baseline: a chart and a table per dataset, prompt, and scorer. Null without any. */
export function ComparisonCard({ head }: { head: ReportHead }) {
  const t = texts.value;
  const bySection = Map.groupBy(listComparisons(head), ({ section }) => section);
  const notes = head.compared?.notes ?? [];
  if (bySection.size === 0) return null;
  return (
    <Card title={t.comparisons} id="comparisons">
      {[...bySection].map(([name, comparisons]) => (
        <div class="report-section" key={name}>
          <DifferenceChart name={name} comparisons={comparisons} />
          <ComparisonTable comparisons={comparisons} />
        </div>
      ))}
      {notes.length === 0 ? null : (
        <div class="card-body stack">
          {notes.map((note) => (
            <p class="note" key={note}>
              <UntrustedText value={note} />
            </p>
          ))}
        </div>
      )}
    </Card>
  );
}

function DifferenceChart({ name, comparisons }: { name: string; comparisons: readonly ReportComparison[] }) {
  const rows = comparisons
    .filter(({ items }) => items > 0)
    .map(({ label, range, difference, interval }) => ({
      ...{ label, mean: difference, interval },
      shortText: formatScoreDifference(difference, range),
      text: formatEstimate(difference, interval, (value) => formatScoreDifference(value, range)),
    }));
  const range = comparisons[0]?.range ?? "number";
  if (rows.length === 0) return null;
  return (
    <ForestPlot
      title={texts.value.differenceOf(name)}
      rows={rows}
      format={formatScoreTick(range, true)}
      reference={0}
    />
  );
}

function ComparisonTable({ comparisons }: { comparisons: readonly ReportComparison[] }) {
  const t = texts.value;
  const { count } = formatters.value;
  return (
    <table class="table">
      <thead>
        <tr>
          <th>{t.model}</th>
          <th>{t.reproduceLabels.baseline}</th>
          {[t.difference, t.pValue, t.wonLost].map((title) => (
            <th key={title} class="numeric">
              {title}
            </th>
          ))}
          <th class="wide">{t.verdict}</th>
        </tr>
      </thead>
      <tbody>
        {comparisons.map((comparison) => (
          <tr key={`${comparison.model} ${comparison.baseline}`}>
            <td class="name">
              <UntrustedText value={comparison.model} />
            </td>
            <td class="name" data-label={t.reproduceLabels.baseline}>
              <UntrustedText value={comparison.baseline} />
            </td>
            <td class="numeric" data-label={t.difference}>
              {comparison.items === 0 ? "–" : formatScoreDifference(comparison.difference, comparison.range)}
            </td>
            <td class="numeric" data-label={t.pValue}>
              {comparison.items === 0 ? "–" : formatPValue(comparison.adjustedPValue)}
            </td>
            <td class="numeric" data-label={t.wonLost}>
              {[comparison.won, comparison.lost, comparison.tied].map(count).join(" / ")}
            </td>
            <td class="full-width" data-label={t.verdict}>
              <UntrustedText value={describeVerdict(comparison)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function describeVerdict({
  items,
  adjustedPValue,
  difference,
  model,
  baseline,
  itemsNeeded,
}: ReportComparison): string {
  const t = texts.value;
  if (items === 0) return t.noCommonRows;
  if (adjustedPValue < LEVEL) return (difference > 0 ? t.better : t.worse)(model, baseline);
  return itemsNeeded === null || itemsNeeded <= items ? t.tooFew : t.needed(formatters.value.count(itemsNeeded));
}
