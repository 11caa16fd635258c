import { Card } from "#src/dashboard/web/components/card.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import type { ReportHead } from "#src/evaluation/report/report-data.ts";
import { boundsOf, formatEstimate, formatScore, formatScoreTick } from "#src/evaluation/results/format-score.ts";
import { ForestPlot } from "./charts/forest-plot.tsx";
import { type LabelledMetric, listSections, type ScoreSection } from "./sections.ts";
import { texts } from "./texts/texts.ts";

/** The scores of all models: a chart and a table per dataset, prompt, and scorer. */
export function ScoreCard({ head }: { head: ReportHead }) {
  const t = texts.value;
  const confidences = new Set(head.evaluations.map(({ results }) => results.confidence));
  return (
    <Card title={t.scores} id="scores">
      {listSections(head).map((section) => (
        <ScoreSectionView key={section.name} section={section} head={head} />
      ))}
      <p class="card-body muted small">{t.confidence([...confidences].map(formatters.value.share).join(", "))}</p>
    </Card>
  );
}

function ScoreSectionView({ section: { name, range, metrics }, head }: { section: ScoreSection; head: ReportHead }) {
  const format = (value: number) => formatScore(value, range);
  const rows = metrics.flatMap(({ label, model, evaluation, mean, interval }) =>
    mean === null
      ? []
      : [
          {
            ...{ label, mean, interval, text: formatEstimate(mean, interval, format), shortText: format(mean) },
            isMarked: head.evaluations[evaluation]?.results.baseline === model,
          },
        ],
  );
  return (
    <div class="report-section">
      {rows.length === 0 ? null : (
        <ForestPlot
          title={texts.value.scoresOf(name)}
          rows={rows}
          format={formatScoreTick(range)}
          bounds={boundsOf(range)}
        />
      )}
      <ScoreTable metrics={metrics} format={format} />
    </div>
  );
}

function ScoreTable({ metrics, format }: { metrics: readonly LabelledMetric[]; format: (value: number) => string }) {
  const t = texts.value;
  const { count } = formatters.value;
  return (
    <table class="table">
      <thead>
        <tr>
          <th class="wide">{t.model}</th>
          {[t.score, t.interval, t.rows, t.unparseable, t.refused, t.failed, t.errors].map((title) => (
            <th key={title} class="numeric">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {metrics.map(({ label, mean, interval, items, ...counts }) => (
          <tr key={label}>
            <td class="name">
              <UntrustedText value={label} />
            </td>
            <td class="numeric" data-label={t.score}>
              <strong>{mean === null ? "–" : format(mean)}</strong>
            </td>
            <td class="numeric" data-label={t.interval}>
              {interval === null ? "–" : `${format(interval.low)} – ${format(interval.high)}`}
            </td>
            <td class="numeric" data-label={t.rows}>
              {count(items)}
            </td>
            <Count label={t.unparseable} value={counts.unparseable} />
            <Count label={t.refused} value={counts.refused} />
            <Count label={t.failed} value={counts.unanswered - counts.refused} />
            <Count label={t.errors} value={counts.errors} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Count({ label, value }: { label: string; value: number }) {
  return (
    <td class={value === 0 ? "numeric muted" : "numeric problem-count"} data-label={label}>
      {formatters.value.count(value)}
    </td>
  );
}
