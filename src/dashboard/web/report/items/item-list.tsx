import { useEffect, useRef, useState } from "preact/hooks";
import { Card, EmptyState } from "#src/dashboard/web/components/card.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import type { MergedRow } from "#src/dashboard/web/report/report-rows.ts";
import type { ReportState } from "#src/dashboard/web/report/report-state.ts";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";
import { ItemFilters } from "./item-filters.tsx";
import { ScoreCell, ScoreLegend } from "./score-cell.tsx";

/** Height of a row, px; report.css has the same. */
const ROW_HEIGHT = 56;
/** Rows drawn above and below the visible ones. */
const OVERSCAN = 6;

/** The rows that match the filter. Only the visible ones are drawn. */
export function ItemList({ state }: { state: ReportState }) {
  const t = texts.value;
  const { count } = formatters.value;
  const found = state.found.value;
  const total = state.rows.value.length;
  return (
    <Card
      title={t.answers}
      id="answers"
      actions={
        <span class="muted" role="status">
          {state.isLoading.value ? t.loading : t.shown(count(found.length), count(total))}
        </span>
      }
    >
      <ItemFilters state={state} />
      <ScoreLegend />
      {!state.isLoading.value && state.rows.value.every(({ questions }) => questions.size === 0) ? (
        <p class="card-body muted small">{t.noQuestions}</p>
      ) : null}
      {found.length === 0 ? (
        <EmptyState>{state.isLoading.value ? t.loading : t.noRows}</EmptyState>
      ) : (
        <Rows state={state} />
      )}
    </Card>
  );
}

function Rows({ state }: { state: ReportState }) {
  const found = state.found.value;
  const [top, setTop] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.scrollTo(0, 0), [found]);
  const height = box.current?.clientHeight ?? 600;
  const first = Math.max(0, Math.min(Math.floor(top / ROW_HEIGHT), found.length - 1) - OVERSCAN);
  const last = Math.min(found.length, Math.ceil((top + height) / ROW_HEIGHT) + OVERSCAN);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable with the keyboard
    <div ref={box} class="row-list" tabIndex={0} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <div class="row-space" style={{ height: `${found.length * ROW_HEIGHT}px` }}>
        {found.slice(first, last).map((row, i) => (
          <RowButton key={row.position} state={state} row={row} top={(first + i) * ROW_HEIGHT} />
        ))}
      </div>
    </div>
  );
}

const SNIPPET_CHARS = 200;

export function RowButton({ state, row, top }: { state: ReportState; row: MergedRow; top?: number }) {
  const scorer = state.scorer.value;
  const range = state.findRange(scorer);
  const [snippet = row.answers[0]?.text ?? ""] = row.questions.values();
  return (
    <button
      type="button"
      class="row-button"
      style={top === undefined ? undefined : { position: "absolute", transform: `translateY(${top}px)` }}
      aria-label={texts.value.openRow(row.item)}
      onClick={() => {
        state.opened.value = row;
      }}
    >
      <span class="row-item mono">
        <UntrustedText value={row.item} truncate />
      </span>
      <span class="row-question">
        <UntrustedText value={snippet.slice(0, SNIPPET_CHARS)} truncate />
      </span>
      <span class="row-cells">
        {(row.cells.get(scorer) ?? []).map((cell, variant) => (
          <ScoreCell key={variant} cell={cell} range={range} label={state.variants[variant]?.label ?? ""} />
        ))}
      </span>
    </button>
  );
}
