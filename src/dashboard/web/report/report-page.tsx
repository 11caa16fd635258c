import { SegmentedControl } from "#src/dashboard/web/components/segmented-control.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { language, selectLanguage, translations } from "#src/dashboard/web/i18n/i18n.ts";
import { selectTheme, theme } from "#src/dashboard/web/shell/theme.ts";
import { ComparisonCard } from "./comparison-card.tsx";
import { CostCard } from "./cost-card.tsx";
import { GroupCard } from "./group-card.tsx";
import { ItemDetails } from "./items/item-details.tsx";
import { ItemList } from "./items/item-list.tsx";
import { WorstItems } from "./items/worst-items.tsx";
import type { ReportState } from "./report-state.ts";
import { ReproduceCard } from "./reproduce-card.tsx";
import { ScoreCard } from "./score-card.tsx";
import { texts } from "./texts/texts.ts";

/** The whole report. */
export function ReportPage({ state }: { state: ReportState }) {
  const t = texts.value;
  const { head } = state;
  const { included, total } = head.rows;
  const { count } = formatters.value;
  return (
    <>
      <ReportHeader state={state} />
      <main class="main">
        {included < total ? <p class="note warning">{t.partial(count(included), count(total))}</p> : null}
        <ScoreCard head={head} />
        <ComparisonCard head={head} />
        <GroupCard head={head} />
        <CostCard head={head} />
        <WorstItems state={state} />
        <ItemList state={state} />
        <ReproduceCard head={head} />
      </main>
      <ItemDetails state={state} />
    </>
  );
}

function ReportHeader({ state: { head } }: { state: ReportState }) {
  const t = texts.value;
  const { common } = translations.value;
  const names = [...new Set(head.evaluations.map(({ results }) => results.name))];
  const written = formatters.value.timestamp(Date.parse(head.createdAt), 0);
  return (
    <header class="header">
      <div class="header-inner report-header">
        <div>
          <h1>
            <UntrustedText value={names.join(", ")} />
          </h1>
          <p class="muted small">
            <UntrustedText value={t.subtitle(head.evaluations.map(({ folder }) => folder).join(", "))} />
            {` · ${t.createdAt(written, head.sluice)}`}
          </p>
        </div>
        <div class="header-controls">
          <SegmentedControl
            label={common.language}
            selected={language.value}
            options={[
              { value: "en", text: "EN", title: "English" },
              { value: "zh", text: "中", title: "中文" },
            ]}
            onSelect={(next) => void selectLanguage(next)}
          />
          <SegmentedControl
            label={common.theme}
            selected={theme.value.selected}
            options={[
              { value: "system", text: common.auto, title: common.autoTitle },
              { value: "light", text: "☀\uFE0E", title: common.light },
              { value: "dark", text: "☾\uFE0E", title: common.dark },
            ]}
            onSelect={selectTheme}
          />
        </div>
      </div>
    </header>
  );
}
