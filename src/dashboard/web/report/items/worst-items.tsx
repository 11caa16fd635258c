import { Card } from "#src/dashboard/web/components/card.tsx";
import type { ReportState } from "#src/dashboard/web/report/report-state.ts";
import { texts } from "#src/dashboard/web/report/texts/texts.ts";
import { RowButton } from "./item-list.tsx";

/** The rows with the lowest mean score, and those about which the answers disagree most. */
export function WorstItems({ state }: { state: ReportState }) {
  const t = texts.value;
  const lists = [
    [t.lowest, state.worst.value, t.noWorst],
    [t.mostDisagreement, state.mostDisagreement.value, t.noDisagreement],
  ] as const;
  return (
    <Card title={state.scorers.length > 1 ? t.worstBy(state.scorer.value) : t.worst} id="worst">
      <div class="columns worst-rows">
        {lists.map(([title, rows, none]) => (
          <section key={title}>
            <h3>{title}</h3>
            {rows.length === 0 ? <p class="muted small">{state.isLoading.value ? t.loading : none}</p> : null}
            {rows.map((row) => (
              <RowButton key={row.position} state={state} row={row} />
            ))}
          </section>
        ))}
      </div>
    </Card>
  );
}
