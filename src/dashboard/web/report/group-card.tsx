import { Card } from "#src/dashboard/web/components/card.tsx";
import type { ReportHead } from "#src/evaluation/report/report-data.ts";
import { boundsOf, formatEstimate, formatScore, formatScoreTick } from "#src/evaluation/results/format-score.ts";
import { ForestPlot } from "./charts/forest-plot.tsx";
import { listSections, type ScoreSection } from "./sections.ts";
import { texts } from "./texts/texts.ts";

/** More lines than this make a chart too long to compare anything. */
const MAX_LINES = 60;

/** Scores by the values of group fields: one chart per field. Null without groups. */
export function GroupCard({ head }: { head: ReportHead }) {
  const sections = listSections(head).filter(({ metrics }) => metrics.some(({ groups }) => groups.length > 0));
  if (sections.length === 0) return null;
  return (
    <Card title={texts.value.groups} id="groups">
      {sections.flatMap((section) =>
        listFields(section).map((field) => (
          <GroupChart key={`${section.name} ${field}`} section={section} field={field} />
        )),
      )}
    </Card>
  );
}

function listFields({ metrics }: ScoreSection): string[] {
  return [...new Set(metrics.flatMap(({ groups }) => groups.map(({ field }) => field)))];
}

function GroupChart({ section: { name, range, metrics }, field }: { section: ScoreSection; field: string }) {
  const format = (value: number) => formatScore(value, range);
  const values = [
    ...new Set(metrics.flatMap(({ groups }) => groups.filter((g) => g.field === field).map((g) => g.value))),
  ];
  const rows = values
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .flatMap((value) =>
      metrics.flatMap(({ label, groups }) => {
        const group = groups.find((each) => each.field === field && each.value === value);
        if (group === undefined || group.mean === null) return [];
        const { mean, interval, items } = group;
        const text = `${formatEstimate(mean, interval, format)}, n = ${items}`;
        return [
          {
            label: metrics.length === 1 ? value : `${value} · ${label}`,
            mean,
            interval,
            text,
            shortText: format(mean),
          },
        ];
      }),
    );
  if (rows.length === 0) return null;
  return (
    <div class="report-section">
      <ForestPlot
        title={texts.value.groupsOf(field, name)}
        rows={rows.slice(0, MAX_LINES)}
        format={formatScoreTick(range)}
        bounds={boundsOf(range)}
      />
      {rows.length > MAX_LINES ? (
        <p class="card-body muted small">{texts.value.shown(String(MAX_LINES), String(rows.length))}</p>
      ) : null}
    </div>
  );
}
