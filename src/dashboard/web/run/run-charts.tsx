import type { History } from "../../contract.ts";
import { Chart } from "../chart/chart.tsx";
import { show } from "../format/show.ts";
import { chartLines } from "../overview/history-charts.tsx";
import { Card } from "../parts/card.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { words } from "../words/words.ts";

/** How often a run's chart is read anew: its steps are several seconds long. */
const EVERY_MS = 5_000;

/** The run's throughput over its time. */
export function RunCharts({ run }: { run: string }) {
  const { answer } = useAnswer<History>(`api/runs/${encodeURIComponent(run)}/history`, EVERY_MS);
  const w = words.value.charts;
  const { short } = show.value;
  if (answer === undefined || answer.at.length === 0) return null;
  return (
    <Card title={w.throughput}>
      <div class="charts">
        <Chart
          title={w.items}
          unit={w.perMinute}
          at={answer.at}
          lines={chartLines(answer, ["items"])}
          format={short}
        />
        <Chart
          title={w.tokens}
          unit={w.perMinute}
          at={answer.at}
          lines={chartLines(answer, ["tokens"])}
          format={short}
        />
        <Chart
          title={w.refusals}
          unit={w.perMinute}
          at={answer.at}
          lines={chartLines(answer, ["throttles", "failures", "failed-items"])}
          format={short}
        />
      </div>
    </Card>
  );
}
