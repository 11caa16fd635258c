import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { runLink } from "#src/dashboard/web/parse-route.ts";
import { formatScore } from "#src/evaluation/results/format-score.ts";
import { formatInterval } from "./format-interval.ts";
import { QuestionName } from "./question-name.tsx";
import type { MatrixCell, ScoreMatrix } from "./summarize-evaluations.ts";

/** Questions by models, with the latest score of each. */
export function ScoreMatrixTable({ matrix }: { matrix: ScoreMatrix }) {
  const t = translations.value.evaluations;
  return (
    <div class="scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t.about}</th>
            {matrix.models.map((model) => (
              <th key={model} scope="col" class="numeric">
                <UntrustedText value={model} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {matrix.rows.map(({ question, cells }) => (
            <tr key={question.key}>
              <td class="name full-width">
                <QuestionName question={question} />
              </td>
              {matrix.models.map((model, index) => (
                <Cell key={model} model={model} cell={cells[index]} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ model, cell }: { model: string; cell: MatrixCell | undefined }) {
  const t = translations.value.evaluations;
  const { count } = formatters.value;
  if (cell === undefined)
    return (
      <td class="numeric no-data" data-label={model}>
        {count(undefined)}
      </td>
    );
  const { score, evaluation } = cell;
  const missing = score.unparseable + score.unanswered + score.errors;
  return (
    <td class="numeric" data-label={model}>
      <a href={runLink(evaluation.run)} title={evaluation.name}>
        {formatScore(score.mean, score.range)}
      </a>
      <span class="secondary">{formatInterval(score)}</span>
      {missing === 0 ? null : (
        <span class="secondary">{t.withoutScore(count(missing), count(missing + score.items))}</span>
      )}
    </td>
  );
}
