import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { HistoryMetric, HistorySeries, MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { Overview } from "#src/dashboard/overview/overview-api.ts";
import { Chart, type ChartSeries } from "#src/dashboard/web/chart/chart.tsx";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { ErrorMessage } from "#src/dashboard/web/components/error-message.tsx";
import { SegmentedControl } from "#src/dashboard/web/components/segmented-control.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { dropIncompleteStep, mergeLatestPoint, trimLeadingGap } from "./derive-overview.ts";

type TimeRange = "hour" | "day";

/** Read as a whole from time to time; the newest point comes with each overview. */
const REFRESH_INTERVAL_MS: Readonly<Record<TimeRange, number>> = { hour: 60_000, day: 300_000 };
/** While that point names lines that the whole lacks. */
const FAST_REFRESH_MS = 5_000;

/** The last hour or day in six charts that share their time. */
export function HistoryCharts({ latest, at }: Pick<Overview, "latest" | "at">) {
  const span = useSignal<TimeRange>("hour");
  // On a phone the first two are enough until somebody asks for the others.
  const isExpanded = useSignal(false);
  const intervalMs = useRef<number | undefined>(undefined);
  const { answer, error } = useQuery<MetricHistory>(
    `api/history?span=${span.value}`,
    intervalMs.current ?? REFRESH_INTERVAL_MS[span.value],
  );
  const t = translations.value.charts;
  const merged = useMergedHistory(answer, latest[span.value]);
  // A lane that is used for the first time has no line here yet, and on a fresh start none has.
  intervalMs.current = merged && hasNewLine(merged, latest[span.value]) ? FAST_REFRESH_MS : undefined;
  const history = merged && trimLeadingGap(dropIncompleteStep(merged, at));
  return (
    <Card
      title={t.title}
      end={
        <SegmentedControl
          label={t.timeRange}
          selected={span.value}
          options={[
            { value: "hour", text: t.hour },
            { value: "day", text: t.day },
          ]}
          onSelect={(next) => {
            span.value = next;
          }}
        />
      }
    >
      {error !== undefined && history === undefined ? <ErrorMessage error={error} /> : null}
      <div class={isExpanded.value ? "charts" : "charts collapsed"}>
        {history === undefined ? null : <ChartGrid history={history} />}
      </div>
      {isExpanded.value ? null : (
        <p class="card-body collapsed">
          <button
            type="button"
            class="button"
            onClick={() => {
              isExpanded.value = true;
            }}
          >
            {translations.value.common.showAll("6")}
          </button>
        </p>
      )}
    </Card>
  );
}

/** The answer with all newest points since, not with the very last alone: those between would be gaps. */
function useMergedHistory(
  answer: MetricHistory | undefined,
  latest: Overview["latest"]["hour"] | undefined,
): MetricHistory | undefined {
  const kept = useRef<{ readonly answer: MetricHistory; readonly history: MetricHistory } | undefined>(undefined);
  if (answer === undefined) return undefined;
  const before = kept.current?.answer === answer ? kept.current.history : answer;
  const history = mergeLatestPoint(before, latest);
  kept.current = { answer, history };
  return history;
}

function hasNewLine({ lines }: MetricHistory, latest: Overview["latest"]["hour"] | undefined): boolean {
  const known = new Set(lines.map(({ seriesKey }) => seriesKey));
  return Object.keys(latest?.values ?? {}).some((seriesKey) => !known.has(seriesKey));
}

function ChartGrid({ history }: { history: MetricHistory }) {
  const t = translations.value.charts;
  const { compact, bytes, duration, money } = formatters.value;
  const of = (metrics: readonly HistoryMetric[]) => buildSeries(history, metrics);
  const currency = history.lines.find(({ metric }) => metric === "cost")?.currency;
  return (
    <>
      <Chart title={t.items} unit={t.perMinute} at={history.at} lines={of(["items"])} format={compact} />
      <Chart title={t.tokens} unit={t.perMinute} at={history.at} lines={of(["tokens"])} format={compact} />
      <Chart
        title={t.latency}
        unit={t.perCall}
        at={history.at}
        lines={of(["upstream-p50", "upstream-p95"])}
        format={duration}
      />
      <Chart
        title={t.throttlingAndFailures}
        unit={t.perMinute}
        at={history.at}
        lines={of(["throttles", "failures"])}
        format={compact}
      />
      <Chart title={t.queueDepth} unit={t.waitingJobs} at={history.at} lines={of(["queue-depth"])} format={compact} />
      {currency === undefined ? (
        <Chart title={t.memory} unit="Redis" at={history.at} lines={of(["redis-memory"])} format={bytes} />
      ) : (
        <Chart
          title={t.cost}
          unit={`${currency} ${t.perMinute}`}
          at={history.at}
          lines={of(["cost"])}
          format={(value) => money(value, currency)}
          formatAxis={compact}
        />
      )}
    </>
  );
}

const COLORS = ["a", "b", "c", "d", "e"] as const;

/** One line per metric of all providers together; where there is one metric and several providers, theirs beside it. */
export function buildSeries(history: MetricHistory, metrics: readonly HistoryMetric[]): ChartSeries[] {
  const whole = metrics.flatMap((metric) => findTotalSeries(history, metric));
  const parts =
    metrics.length > 1
      ? []
      : history.lines.filter(({ metric, provider }) => metric === metrics[0] && provider !== undefined);
  const lines = parts.length > 1 || whole.length === 0 ? [...whole, ...parts] : whole;
  return lines.slice(0, COLORS.length).map((line, index) => ({
    label: line.provider ?? labelSeries(line),
    values: line.values,
    color: line.metric === "failures" || line.metric === "failed-items" ? "e" : (COLORS[index] ?? "a"),
  }));
}

function findTotalSeries(history: MetricHistory, requested: HistoryMetric): HistorySeries[] {
  return history.lines.filter(({ metric, provider }) => metric === requested && provider === undefined);
}

function labelSeries({ metric, currency }: HistorySeries): string {
  const t = translations.value.charts;
  return metric === "cost" ? (currency ?? "") : t.series[metric];
}
