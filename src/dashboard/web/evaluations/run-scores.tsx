import type { EvaluationScore, EvaluationView } from "#src/dashboard/evaluations/evaluation-api.ts";
import type { RunPage } from "#src/dashboard/runs/run-api.ts";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { formatScore } from "#src/evaluation/results/format-score.ts";
import { formatInterval } from "./format-interval.ts";

const REFRESH_INTERVAL_MS = 5_000;

/** The scores of an evaluation, on the page of its run. */
export function RunScores({ page: { run, phase } }: { page: RunPage }) {
  const isFinished = phase === "finished";
  const { answer, error } = useQuery<EvaluationView>(
    isFinished ? `api/evaluations/${encodeURIComponent(run)}` : undefined,
    REFRESH_INTERVAL_MS,
  );
  const t = translations.value;
  return (
    <Card title={t.evaluations.scores}>
      {answer !== undefined ? (
        <ScoreTable scores={answer.scores} />
      ) : error !== undefined ? (
        <ErrorNote error={error} />
      ) : (
        <EmptyState>{isFinished ? t.common.loading : t.evaluations.notScoredYet}</EmptyState>
      )}
    </Card>
  );
}

function ScoreTable({ scores }: { scores: readonly EvaluationScore[] }) {
  const t = translations.value.evaluations;
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">{t.about}</th>
          <th scope="col">{t.model}</th>
          {[t.score, t.interval, t.items, t.unparseable, t.unanswered, t.errors].map((title) => (
            <th key={title} scope="col" class="numeric">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {scores.map((score) => (
          <ScoreRow key={JSON.stringify([score.dataset, score.prompt, score.scorer, score.model])} score={score} />
        ))}
      </tbody>
    </table>
  );
}

function ScoreRow({ score }: { score: EvaluationScore }) {
  const t = translations.value.evaluations;
  const { count } = formatters.value;
  const { dataset, prompt, scorer, model, mean, range, items, unparseable, unanswered, errors } = score;
  return (
    <tr>
      <td class="name">
        <UntrustedText value={`${dataset}, ${scorer}`} />
        {prompt === "default" ? null : (
          <span class="secondary">
            <UntrustedText value={t.prompt(prompt)} />
          </span>
        )}
      </td>
      <td data-label={t.model}>
        <UntrustedText value={model} />
      </td>
      <td class="numeric" data-label={t.score}>
        {formatScore(mean, range)}
      </td>
      <td class="numeric nowrap" data-label={t.interval}>
        {formatInterval(score)}
      </td>
      {[
        [t.items, items],
        [t.unparseable, unparseable],
        [t.unanswered, unanswered],
        [t.errors, errors],
      ].map(([label, value]) => (
        <td key={label} class="numeric" data-label={label}>
          {count(Number(value))}
        </td>
      ))}
    </tr>
  );
}
