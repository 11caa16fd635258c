import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { HistoryMetric, HistorySeries, MetricHistory } from "#src/dashboard/overview/history-api.ts";
import type { LatestPoint, Overview } from "#src/dashboard/overview/overview-api.ts";
import { Chart } from "#src/dashboard/web/chart/chart.tsx";
import type { ChartSeries } from "#src/dashboard/web/chart/chart-props.ts";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { ErrorNote } from "#src/dashboard/web/components/error-note.tsx";
import { SegmentedControl } from "#src/dashboard/web/components/segmented-control.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { setUrlQuery, urlQuery } from "#src/dashboard/web/route.ts";
import { dropIncompleteStep, mergeLatestPoint, trimLeadingGap } from "./metric-history.ts";

type TimeRange = "hour" | "day";

/** How often the whole history is requested; the latest point comes with each overview event. */
const REFRESH_INTERVAL_MS: Readonly<Record<TimeRange, number>> = { hour: 60_000, day: 300_000 };
/** Used while the latest point contains series that the history lacks. */
const FAST_REFRESH_MS = 5_000;

/** The last hour or day in six charts with the same time axis. */
export function HistoryCharts({ latest, at }: Pick<Overview, "latest" | "at">) {
  const timeRange = readTimeRange(urlQuery.value);
  // A phone shows only the first two charts until the user expands the list.
  const isExpanded = useSignal(false);
  const intervalMs = useRef<number | undefined>(undefined);
  const { answer, error } = useQuery<MetricHistory>(
    `api/history?span=${timeRange}`,
    intervalMs.current ?? REFRESH_INTERVAL_MS[timeRange],
  );
  const t = translations.value.charts;
  const merged = useMergedHistory(answer, latest[timeRange]);
  // A lane that is used for the first time has no series yet; after a fresh start, no lane has.
  intervalMs.current = merged && hasNewSeries(merged, latest[timeRange]) ? FAST_REFRESH_MS : undefined;
  const history = merged && trimLeadingGap(dropIncompleteStep(merged, at));
  return (
    <Card
      title={t.title}
      actions={
        <SegmentedControl
          label={t.timeRange}
          selected={timeRange}
          options={[
            { value: "hour", text: t.hour },
            { value: "day", text: t.day },
          ]}
          onSelect={(next) => setUrlQuery(next === "hour" ? "" : `range=${next}`, { replace: true })}
        />
      }
    >
      {error !== undefined && history === undefined ? <ErrorNote error={error} /> : null}
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

function readTimeRange(query: string): TimeRange {
  return new URLSearchParams(query).get("range") === "day" ? "day" : "hour";
}

/** The answer with all latest points received since; merging only the last one would leave gaps. */
function useMergedHistory(
  answer: MetricHistory | undefined,
  latest: LatestPoint | undefined,
): MetricHistory | undefined {
  const merged = useRef<{ readonly answer: MetricHistory; readonly history: MetricHistory } | undefined>(undefined);
  if (answer === undefined) return undefined;
  const previous = merged.current?.answer === answer ? merged.current.history : answer;
  const history = mergeLatestPoint(previous, latest);
  merged.current = { answer, history };
  return history;
}

function hasNewSeries({ lines }: MetricHistory, latest: LatestPoint | undefined): boolean {
  const known = new Set(lines.map(({ seriesKey }) => seriesKey));
  return Object.keys(latest?.values ?? {}).some((seriesKey) => !known.has(seriesKey));
}

function ChartGrid({ history }: { history: MetricHistory }) {
  const t = translations.value.charts;
  const { compact, bytes, duration, money } = formatters.value;
  const series = (metrics: readonly HistoryMetric[]) => buildSeries(history, metrics);
  const currency = history.lines.find(({ metric }) => metric === "cost")?.currency;
  const { at, runs } = history;
  return (
    <>
      <Chart title={t.items} unit={t.perMinute} at={at} runs={runs} lines={series(["items"])} format={compact} />
      <Chart title={t.tokens} unit={t.perMinute} at={at} runs={runs} lines={series(["tokens"])} format={compact} />
      <Chart
        title={t.latency}
        unit={t.perCall}
        at={at}
        runs={runs}
        lines={series(["upstream-p50", "upstream-p95"])}
        format={duration}
      />
      <Chart
        title={t.throttlingAndFailures}
        unit={t.perMinute}
        at={at}
        runs={runs}
        lines={series(["throttles", "failures"])}
        format={compact}
      />
      <Chart
        title={t.queueDepth}
        unit={t.waitingJobs}
        at={at}
        runs={runs}
        lines={series(["queue-depth"])}
        format={compact}
      />
      {currency === undefined ? (
        <Chart title={t.memory} unit="Redis" at={at} runs={runs} lines={series(["redis-memory"])} format={bytes} />
      ) : (
        <Chart
          title={t.cost}
          unit={`${currency} ${t.perMinute}`}
          at={at}
          runs={runs}
          lines={series(["cost"])}
          format={(value) => money(value, currency)}
          formatAxis={compact}
        />
      )}
    </>
  );
}

const COLORS = ["a", "b", "c", "d", "e"] as const;

/** One line per metric over all providers. With a single metric and several providers, also one line per provider. */
export function buildSeries(history: MetricHistory, metrics: readonly HistoryMetric[]): ChartSeries[] {
  const totals = metrics.flatMap((metric) => findTotalSeries(history, metric));
  const byProvider =
    metrics.length > 1
      ? []
      : history.lines.filter(({ metric, provider }) => metric === metrics[0] && provider !== undefined);
  const lines = byProvider.length > 1 || totals.length === 0 ? [...totals, ...byProvider] : totals;
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
