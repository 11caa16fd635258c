import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import type { MergedRow } from "#src/dashboard/web/report/report-rows.ts";
import type { ReportState } from "#src/dashboard/web/report/report-state.ts";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";
import { AnswerColumn } from "./answer-column.tsx";
import { LongText } from "./long-text.tsx";

/** What differences are highlighted from: nothing, the target, or the answer at this position. */
type Reference = "none" | "target" | number;

const reference = signal<Reference>(0);

/** A dialog with the answers to one row side by side. */
export function ItemDetails({ state }: { state: ReportState }) {
  const row = state.opened.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = row !== undefined;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (row === undefined) return null;
  return (
    <dialog
      ref={dialog}
      class="row-dialog"
      aria-labelledby="row-title"
      onClose={() => {
        state.opened.value = undefined;
      }}
      onKeyDown={(event) => {
        const isField = event.target instanceof HTMLSelectElement;
        if (!isField && event.key === "ArrowLeft") state.move(-1);
        if (!isField && event.key === "ArrowRight") state.move(1);
      }}
    >
      <DialogHeader state={state} row={row} onClose={() => dialog.current?.close()} />
      <div class="row-dialog-body" key={row.position}>
        <Question row={row} />
        <ReferenceChoice state={state} row={row} />
        <Answers state={state} row={row} />
      </div>
    </dialog>
  );
}

function DialogHeader({ state, row, onClose }: { state: ReportState; row: MergedRow; onClose: () => void }) {
  const t = texts.value;
  const found = state.found.value;
  const at = found.indexOf(row);
  return (
    <header>
      <h2 id="row-title">
        <UntrustedText value={row.item} truncate />
      </h2>
      <div class="actions">
        <button type="button" class="button compact" disabled={at <= 0} onClick={() => state.move(-1)}>
          {t.previous}
        </button>
        <button
          type="button"
          class="button compact"
          disabled={at < 0 || at === found.length - 1}
          onClick={() => state.move(1)}
        >
          {t.next}
        </button>
        <button type="button" class="button compact primary" onClick={onClose}>
          {t.close}
        </button>
      </div>
    </header>
  );
}

function Question({ row }: { row: MergedRow }) {
  const t = texts.value;
  const groups = Object.entries(row.groups);
  const isOnly = new Set(row.questions.values()).size === 1;
  const questions = [...row.questions].slice(0, isOnly ? 1 : undefined);
  return (
    <div class="stack">
      {questions.map(([prompt, question]) => (
        <section key={prompt}>
          <h3>
            {t.question} {questions.length > 1 ? <UntrustedText value={`· ${prompt}`} /> : null}
          </h3>
          <LongText value={question} />
        </section>
      ))}
      {row.targets.length === 0 ? null : (
        <section>
          <h3>{t.targets}</h3>
          {row.targets.map((target) => (
            <LongText key={target} value={target} />
          ))}
        </section>
      )}
      {groups.length === 0 ? null : (
        <p class="muted small">
          <UntrustedText value={groups.map(([field, value]) => `${field}: ${value}`).join(" · ")} />
        </p>
      )}
    </div>
  );
}

function ReferenceChoice({ state, row }: { state: ReportState; row: MergedRow }) {
  const t = texts.value;
  const selected = reference.value;
  return (
    <label class="field reference-choice">
      <span>{t.compareWith}</span>
      <select
        class="select"
        value={String(selected)}
        onChange={({ currentTarget: { value } }) => {
          reference.value = value === "none" || value === "target" ? value : Number(value);
        }}
      >
        <option value="none">{t.nothing}</option>
        {row.targets.length === 0 ? null : <option value="target">{t.target}</option>}
        {row.answers.map((answer, i) => (
          <option key={`${answer.variant} ${answer.sample}`} value={String(i)}>
            {nameAnswer(state, row, i)}
          </option>
        ))}
      </select>
    </label>
  );
}

function nameAnswer({ variants }: ReportState, { answers }: MergedRow, i: number): string {
  const answer = answers[i];
  if (answer === undefined) return "";
  const label = variants[answer.variant]?.label ?? "";
  const isOnly = answers.filter(({ variant }) => variant === answer.variant).length === 1;
  return isOnly ? label : `${label} · ${texts.value.sample(String(answer.sample))}`;
}

function Answers({ state, row }: { state: ReportState; row: MergedRow }) {
  const chosen = reference.value;
  const compared =
    chosen === "none" ? undefined : chosen === "target" ? row.targets.join("\n") : row.answers[chosen]?.text;
  return (
    <div class="answer-columns">
      {row.answers.map((answer, i) => (
        <AnswerColumn
          key={`${answer.variant} ${answer.sample}`}
          state={state}
          answer={answer}
          name={nameAnswer(state, row, i)}
          reference={chosen === i ? undefined : compared}
        />
      ))}
    </div>
  );
}
