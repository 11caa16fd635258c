import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { History, HistoryLine, HistoryMetric, Overview } from "../../contract.ts";
import { Chart, type ChartLine } from "../chart/chart.tsx";
import { show } from "../format/show.ts";
import { Card } from "../parts/card.tsx";
import { Problem } from "../parts/problem.tsx";
import { Segments } from "../parts/segments.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { words } from "../words/words.ts";
import { fromFirstSign, untilLastWhole, withLatest } from "./sum-up.ts";

type Span = "hour" | "day";

/** Read as a whole from time to time; the newest point comes with each overview. */
const EVERY_MS: Readonly<Record<Span, number>> = { hour: 60_000, day: 300_000 };
/** While that point names lines that the whole lacks. */
const SOON_MS = 5_000;

/** The last hour or day in six charts that share their time. */
export function HistoryCharts({ latest, at }: Pick<Overview, "latest" | "at">) {
  const span = useSignal<Span>("hour");
  // On a phone the first two are enough until somebody asks for the others.
  const isWhole = useSignal(false);
  const everyMs = useRef<number | undefined>(undefined);
  const { answer, error } = useAnswer<History>(
    `api/history?span=${span.value}`,
    everyMs.current ?? EVERY_MS[span.value],
  );
  const w = words.value.charts;
  const grown = useGrown(answer, latest[span.value]);
  // A lane that is used for the first time has no line here yet, and on a fresh start none has.
  everyMs.current = grown && hasNewLine(grown, latest[span.value]) ? SOON_MS : undefined;
  const history = grown && fromFirstSign(untilLastWhole(grown, at));
  return (
    <Card
      title={w.title}
      end={
        <Segments
          label={w.span}
          chosen={span.value}
          choices={[
            { value: "hour", text: w.hour },
            { value: "day", text: w.day },
          ]}
          onChoose={(next) => {
            span.value = next;
          }}
        />
      }
    >
      {error !== undefined && history === undefined ? <Problem error={error} /> : null}
      <div class={isWhole.value ? "charts" : "charts few"}>
        {history === undefined ? null : <SixCharts history={history} />}
      </div>
      {isWhole.value ? null : (
        <p class="body few">
          <button
            type="button"
            class="button"
            onClick={() => {
              isWhole.value = true;
            }}
          >
            {words.value.common.showAll("6")}
          </button>
        </p>
      )}
    </Card>
  );
}

/** The answer with all newest points since, not with the very last alone: those between would be gaps. */
function useGrown(
  answer: History | undefined,
  latest: Overview["latest"]["hour"] | undefined,
): History | undefined {
  const kept = useRef<{ readonly answer: History; readonly history: History } | undefined>(undefined);
  if (answer === undefined) return undefined;
  const before = kept.current?.answer === answer ? kept.current.history : answer;
  const history = withLatest(before, latest);
  kept.current = { answer, history };
  return history;
}

function hasNewLine({ lines }: History, latest: Overview["latest"]["hour"] | undefined): boolean {
  const known = new Set(lines.map(({ lineKey }) => lineKey));
  return Object.keys(latest?.values ?? {}).some((lineKey) => !known.has(lineKey));
}

function SixCharts({ history }: { history: History }) {
  const w = words.value.charts;
  const { short, bytes, duration, money } = show.value;
  const of = (metrics: readonly HistoryMetric[]) => chartLines(history, metrics);
  const currency = history.lines.find(({ metric }) => metric === "cost")?.currency;
  return (
    <>
      <Chart title={w.items} unit={w.perMinute} at={history.at} lines={of(["items"])} format={short} />
      <Chart title={w.tokens} unit={w.perMinute} at={history.at} lines={of(["tokens"])} format={short} />
      <Chart
        title={w.upstream}
        unit={w.perCall}
        at={history.at}
        lines={of(["upstream-p50", "upstream-p95"])}
        format={duration}
      />
      <Chart
        title={w.refusals}
        unit={w.perMinute}
        at={history.at}
        lines={of(["throttles", "failures"])}
        format={short}
      />
      <Chart title={w.waiting} unit={w.jobs} at={history.at} lines={of(["queue-depth"])} format={short} />
      {currency === undefined ? (
        <Chart title={w.memory} unit="Redis" at={history.at} lines={of(["redis-memory"])} format={bytes} />
      ) : (
        <Chart
          title={w.cost}
          unit={`${currency} ${w.perMinute}`}
          at={history.at}
          lines={of(["cost"])}
          format={(value) => money(value, currency)}
          formatAxis={short}
        />
      )}
    </>
  );
}

const COLORS = ["a", "b", "c", "d", "e"] as const;

/** One line per metric of all providers together; where there is one metric and several providers, theirs beside it. */
export function chartLines(history: History, metrics: readonly HistoryMetric[]): ChartLine[] {
  const whole = metrics.flatMap((metric) => lineOf(history, metric));
  const parts =
    metrics.length > 1
      ? []
      : history.lines.filter(({ metric, provider }) => metric === metrics[0] && provider !== undefined);
  const lines = parts.length > 1 || whole.length === 0 ? [...whole, ...parts] : whole;
  return lines.slice(0, COLORS.length).map((line, index) => ({
    label: line.provider ?? labelOf(line),
    values: line.values,
    color: line.metric === "failures" || line.metric === "failed-items" ? "e" : (COLORS[index] ?? "a"),
  }));
}

function lineOf(history: History, wanted: HistoryMetric): HistoryLine[] {
  return history.lines.filter(({ metric, provider }) => metric === wanted && provider === undefined);
}

function labelOf({ metric, currency }: HistoryLine): string {
  const w = words.value.charts;
  return metric === "cost" ? (currency ?? "") : w.lines[metric];
}
