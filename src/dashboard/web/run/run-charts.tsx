import type { MetricHistory } from "#src/dashboard/overview/history-api.ts";
import { Chart } from "#src/dashboard/web/chart/chart.tsx";
import { Card } from "#src/dashboard/web/components/card.tsx";
import { useQuery } from "#src/dashboard/web/components/use-query.ts";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { buildSeries } from "#src/dashboard/web/overview/history-charts.tsx";

/** The steps of a run's history are several seconds long. */
const REFRESH_INTERVAL_MS = 5_000;

/** The run's throughput over time. */
export function RunCharts({ run }: { run: string }) {
  const { answer } = useQuery<MetricHistory>(`api/runs/${encodeURIComponent(run)}/history`, REFRESH_INTERVAL_MS);
  const t = translations.value.charts;
  const { compact } = formatters.value;
  if (answer === undefined || answer.at.length === 0) return null;
  return (
    <Card title={t.throughput}>
      <div class="charts">
        <Chart
          title={t.items}
          unit={t.perMinute}
          at={answer.at}
          runs={answer.runs}
          lines={buildSeries(answer, ["items"])}
          format={compact}
        />
        <Chart
          title={t.tokens}
          unit={t.perMinute}
          at={answer.at}
          runs={answer.runs}
          lines={buildSeries(answer, ["tokens"])}
          format={compact}
        />
        <Chart
          title={t.throttlingAndFailures}
          unit={t.perMinute}
          at={answer.at}
          runs={answer.runs}
          lines={buildSeries(answer, ["throttles", "failures", "failed-items"])}
          format={compact}
        />
      </div>
    </Card>
  );
}
