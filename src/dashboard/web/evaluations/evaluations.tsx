import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import type { EvaluationList, EvaluationView } from "#src/dashboard/evaluations/evaluation-api.ts";
import { useEventStream } from "#src/dashboard/web/api-client/event-stream.ts";
import { Chart } from "#src/dashboard/web/chart/chart.tsx";
import type { ChartSeries } from "#src/dashboard/web/chart/chart-props.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { runLink } from "#src/dashboard/web/parse-route.ts";
import { formatScore } from "#src/evaluation/results/format-score.ts";
import { ScoreMatrixTable } from "./score-matrix.tsx";
import { buildMatrix, buildTrends, type ScoreTrend } from "./summarize-evaluations.ts";

const REFRESH_INTERVAL_MS = 10_000;
/** A chart has no colors for more. */
const COLORS: readonly ChartSeries["color"][] = ["a", "b", "c", "d", "e"];

/** The scores of all evaluations: the latest ones by question and model, how they developed, and a list. */
export function EvaluationsScreen() {
  useEventStream("", {});
  const { answer, error } = useQuery<EvaluationList>("api/evaluations", REFRESH_INTERVAL_MS);
  const t = translations.value;
  return (
    <>
      <h1>{t.nav.evaluations}</h1>
      {error === undefined ? null : <ErrorNote error={error} />}
      {answer === undefined ? (
        error === undefined ? (
          <EmptyState>{t.common.loading}</EmptyState>
        ) : null
      ) : answer.evaluations.length === 0 ? (
        <EmptyState command={SUGGESTED_COMMANDS.eval()}>{t.evaluations.none}</EmptyState>
      ) : (
        <Evaluations list={answer} />
      )}
    </>
  );
}

function Evaluations({ list: { at, evaluations } }: { list: EvaluationList }) {
  const t = translations.value.evaluations;
  const trends = buildTrends(evaluations);
  return (
    <>
      <Card title={t.latest}>
        <ScoreMatrixTable matrix={buildMatrix(evaluations)} />
        <p class="card-body muted small">{t.latestNote}</p>
      </Card>
      {trends.length === 0 ? null : (
        <Card title={t.over}>
          <div class="charts">
            {trends.map((trend) => (
              <TrendChart key={trend.question.key} trend={trend} />
            ))}
          </div>
        </Card>
      )}
      <Card title={t.all(formatters.value.count(evaluations.length))}>
        <EvaluationTable evaluations={evaluations} at={at} />
      </Card>
    </>
  );
}

function TrendChart({ trend: { question, at, lines } }: { trend: ScoreTrend }) {
  const { dataset, scorer, prompt, range } = question;
  const series = COLORS.flatMap((color, index) => {
    const line = lines[index];
    return line === undefined ? [] : [{ label: line.model, values: line.values, color }];
  });
  return (
    <Chart
      title={`${dataset}, ${scorer}`}
      unit={prompt === "default" ? "" : translations.value.evaluations.prompt(prompt)}
      at={at}
      lines={series}
      format={(value) => formatScore(value ?? null, range)}
    />
  );
}

function EvaluationTable({ evaluations, at }: { evaluations: readonly EvaluationView[]; at: number }) {
  const t = translations.value.evaluations;
  const { count, money, timestamp } = formatters.value;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.name}</th>
          <th scope="col">{t.models}</th>
          <th scope="col" class="numeric">
            {t.samples}
          </th>
          <th scope="col" class="numeric">
            {t.cost}
          </th>
          <th scope="col" class="numeric">
            {t.scoredAt}
          </th>
        </tr>
      </thead>
      <tbody>
        {evaluations.map(({ run, name, folder, models, samples, cost, scoredAt }) => (
          <tr key={run}>
            <td class="name">
              <a href={runLink(run)}>
                <UntrustedText value={name} />
              </a>
              {folder === name ? null : (
                <span class="secondary">
                  <UntrustedText value={folder} />
                </span>
              )}
            </td>
            <td data-label={t.models}>
              <UntrustedText value={models.join(", ")} />
            </td>
            <td class="numeric" data-label={t.samples}>
              {count(samples)}
            </td>
            <td class={cost === undefined ? "numeric no-data" : "numeric"} data-label={t.cost}>
              {money(cost?.amount, cost?.currency)}
            </td>
            <td class="numeric nowrap" data-label={t.scoredAt}>
              {timestamp(scoredAt, at)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
