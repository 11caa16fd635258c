import { signal } from "@preact/signals";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { SegmentedControl } from "#src/dashboard/web/components/segmented-control.tsx";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import type { ReportHead, ReportResults } from "#src/evaluation/report/report-data.ts";
import { boundsOf, formatScoreTick } from "#src/evaluation/results/format-score.ts";
import { ScatterPlot } from "./charts/scatter-plot.tsx";
import { labelModel, listSections } from "./sections.ts";
import { texts } from "./texts/texts.ts";

type ModelRow = ReportResults["models"][number] & { readonly name: string; readonly evaluation: number };
type Measure = "cost" | "median" | "outputTokens";

const measure = signal<Measure>("cost");

/** What the models' answers cost, how long they took, and charts of scores against that. */
export function CostCard({ head }: { head: ReportHead }) {
  const t = texts.value;
  const { money, duration } = formatters.value;
  const models = head.evaluations.flatMap(({ results }, evaluation) =>
    results.models.map((model) => ({ ...model, evaluation, name: labelModel(head, evaluation, model.label) })),
  );
  return (
    <Card title={t.costAndTime} id="cost">
      <div class="report-section">
        <CostCharts head={head} models={models} />
        <CostTable models={models} />
      </div>
      <div class="card-body muted small">
        {head.evaluations.map(({ folder, results: { cost, activeMs } }) => (
          <p key={folder}>
            {head.evaluations.length === 1 ? null : <UntrustedText value={`${folder}: `} />}
            {t.runTotal(money(cost?.amount, cost?.currency), duration(activeMs))}
          </p>
        ))}
      </div>
    </Card>
  );
}

function CostCharts({ head, models }: { head: ReportHead; models: readonly ModelRow[] }) {
  const t = texts.value;
  const { money, duration, compact } = formatters.value;
  const currencies = new Set(models.flatMap(({ cost }) => cost?.currency ?? []));
  const measures: readonly Measure[] =
    currencies.size === 1 ? ["cost", "median", "outputTokens"] : ["median", "outputTokens"];
  const chosen = measures.includes(measure.value) ? measure.value : "median";
  const names = { cost: t.costPerThousand, median: t.median, outputTokens: t.outputTokens };
  const [currency] = currencies;
  const read = (model: ModelRow): number | undefined => {
    if (chosen === "outputTokens") return model.completionTokens;
    return chosen === "median" ? model.medianDurationMs : costPerThousand(model);
  };
  const formatX = { cost: (x: number) => money(x, currency), median: duration, outputTokens: compact }[chosen];
  return (
    <>
      <div class="card-body chart-choice">
        <SegmentedControl
          label={t.costAndTime}
          selected={chosen}
          options={measures.map((value) => ({ value, text: names[value] }))}
          onSelect={(next) => {
            measure.value = next;
          }}
        />
      </div>
      <div class="scatter-plots">
        {listSections(head).map(({ name, range, metrics }) => {
          const points = metrics.flatMap(({ label, model, evaluation, mean, interval }) => {
            const row = models.find((each) => each.label === model && each.evaluation === evaluation);
            const x = row && read(row);
            return x === undefined || mean === null ? [] : [{ label, x, y: mean, interval }];
          });
          return points.length === 0 ? null : (
            <ScatterPlot
              key={name}
              title={t.scoreAgainst(name, names[chosen])}
              xTitle={names[chosen]}
              points={points}
              formatX={formatX}
              formatY={formatScoreTick(range)}
              bounds={boundsOf(range)}
            />
          );
        })}
      </div>
    </>
  );
}

function costPerThousand({ cost, samples }: ModelRow): number | undefined {
  const answers = samples.answered + samples.refused;
  return cost === undefined || answers === 0 ? undefined : (cost.amount / answers) * 1_000;
}

function CostTable({ models }: { models: readonly ModelRow[] }) {
  const t = texts.value;
  const { count, money, duration } = formatters.value;
  const titles = [
    t.samples,
    t.refused,
    t.failed,
    t.inputTokens,
    t.outputTokens,
    t.cost,
    t.costPerThousand,
    t.median,
    t.p95,
  ];
  return (
    <table class="table">
      <thead>
        <tr>
          <th class="wide">{t.model}</th>
          {titles.map((title) => (
            <th key={title} class="numeric">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {models.map((model) => {
          const { samples, cost, reasoningTokens } = model;
          const values = [
            count(samples.total),
            count(samples.refused),
            count(samples.failed),
            count(model.promptTokens),
            count(model.completionTokens),
            money(cost?.amount, cost?.currency),
            money(costPerThousand(model), cost?.currency),
            duration(model.medianDurationMs),
            duration(model.p95DurationMs),
          ];
          return (
            <tr key={model.name}>
              <td class="name">
                <UntrustedText value={model.name} />
                {model.name.startsWith(model.model) ? null : (
                  <span class="secondary">
                    <UntrustedText value={model.model} />
                  </span>
                )}
              </td>
              {values.map((value, i) => (
                <td key={titles[i]} class="numeric" data-label={titles[i]}>
                  {value}
                  {titles[i] === t.outputTokens && reasoningTokens > 0 ? (
                    <span class="secondary">{`${t.reasoningTokens} ${count(reasoningTokens)}`}</span>
                  ) : null}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
