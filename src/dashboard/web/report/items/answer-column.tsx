import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import type { VariantAnswer } from "#src/dashboard/web/report/report-rows.ts";
import type { ReportState } from "#src/dashboard/web/report/report-state.ts";
import { shortenText } from "#src/dashboard/web/report/shorten-text.ts";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";
import { LongText } from "./long-text.tsx";
import { ScoreCell } from "./score-cell.tsx";

/** Scorers that compare whole texts read all of the answer. */
const MAX_READ_CHARS = 160;

/** One answer with its scores and what it took. */
export function AnswerColumn({
  state,
  answer,
  name,
  reference,
}: {
  state: ReportState;
  answer: VariantAnswer;
  name: string;
  reference: string | undefined;
}) {
  const t = texts.value;
  const { status, text = "", reason, scores = {} } = answer;
  return (
    <section class="answer-column">
      <h3>
        <UntrustedText value={name} />
      </h3>
      {Object.entries(scores).map(([scorer, score]) => (
        <ScoreLine key={scorer} state={state} scorer={scorer} score={score} />
      ))}
      {status === "answered" ? null : (
        <p class="note warning">
          {status === "refused" ? t.refused : t.failed}
          {": "}
          <UntrustedText value={reason ?? ""} />
        </p>
      )}
      {text === "" ? <p class="muted small">{t.noAnswer}</p> : <LongText value={text} reference={reference} />}
      <p class="muted small">{describeUsage(answer)}</p>
    </section>
  );
}

type StoredScore = NonNullable<VariantAnswer["scores"]>[string];

function ScoreLine({ state, scorer, score }: { state: ReportState; scorer: string; score: StoredScore }) {
  const cell = { outcome: score.status, value: score.status === "scored" ? score.value : Number.NaN };
  const read = score.status === "scored" ? score.answer : undefined;
  return (
    <p class="score-line small">
      <ScoreCell cell={cell} range={state.findRange(scorer)} label={scorer} />
      <UntrustedText value={scorer} />
      {read === undefined ? null : (
        <span class="muted">
          <UntrustedText value={texts.value.read(shortenText(read, MAX_READ_CHARS))} />
        </span>
      )}
      {score.explanation === undefined ? null : (
        <span class="muted explanation">
          <UntrustedText value={score.explanation} />
        </span>
      )}
    </p>
  );
}

function describeUsage({ promptTokens, completionTokens, durationMs, finishReason }: VariantAnswer): string {
  const { count, duration } = formatters.value;
  const tokens =
    promptTokens === undefined && completionTokens === undefined
      ? []
      : [texts.value.tokens(`${count(promptTokens)} + ${count(completionTokens)}`)];
  return [
    ...tokens,
    ...(durationMs === undefined ? [] : [duration(durationMs)]),
    ...(finishReason ? [finishReason] : []),
  ].join(" · ");
}
