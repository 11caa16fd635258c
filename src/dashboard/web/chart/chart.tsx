import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { show } from "../format/show.ts";
import { Text } from "../parts/text.tsx";
import { theme } from "../shell/theme.ts";
import { words } from "../words/words.ts";
import type { Drawing } from "./draw-chart.ts";

export interface ChartLine {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly color: "a" | "b" | "c" | "d" | "e";
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  /** Beginning of each step, epoch ms. */
  readonly at: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly format: (value: number | null | undefined) => string;
  /** Shorter, for the figures beside the axis; `format` unless given. */
  readonly formatAxis?: (value: number) => string;
}

/** Lines over time. Its legend shows the figures under the pointer, else the newest ones. */
export function Chart({ title, unit, at, lines, format, formatAxis = format }: ChartProps) {
  const w = words.value.charts;
  const under = useSignal<number | null>(null);
  // One point makes no line.
  const isEmpty = !lines.some(({ values }) => values.filter((value) => value !== null).length > 1);
  const pointed = under.value;
  const figure = (values: ChartLine["values"]) => format(pointed === null ? newest(values) : values[pointed]);
  const moment = pointed === null ? undefined : at[pointed];
  return (
    <figure class="chart">
      <figcaption>
        <h3>
          {title} <span>{unit}</span>
        </h3>
        <ul class="legend">
          {moment === undefined ? null : (
            <li class="soft">{show.value.moment(moment, at.at(-1) ?? moment)}</li>
          )}
          {lines.map(({ label, values, color }) => (
            <li key={label}>
              <i class={`swatch ${color}`} aria-hidden="true" />
              <span class="soft">
                <Text value={label} cut />
              </span>{" "}
              {isEmpty ? null : figure(values)}
            </li>
          ))}
        </ul>
      </figcaption>
      {isEmpty ? (
        <p class="plot none">{w.nothing}</p>
      ) : (
        <Plot
          at={at}
          lines={lines}
          format={formatAxis}
          label={w.summary(
            title,
            unit,
            lines.map(({ label, values }) => `${label} ${format(newest(values))}`).join(", "),
          )}
          onPoint={(index) => {
            under.value = index;
          }}
        />
      )}
    </figure>
  );
}

function newest(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

interface PlotProps extends Pick<ChartProps, "at" | "lines"> {
  readonly format: (value: number) => string;
  readonly label: string;
  readonly onPoint: (index: number | null) => void;
}

/** The chart library comes in a file of its own, after the page's figures are on the screen. */
function Plot({ at, lines, format, label, onPoint }: PlotProps) {
  const element = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | undefined>(undefined);
  const colors = lines.map(({ color }) => color).join();
  const latest = useRef({ at, lines });
  latest.current = { at, lines };
  const look = theme.value;
  useEffect(() => {
    let isOver = false;
    void import("./draw-chart.ts").then(({ drawChart }) => {
      if (isOver || !element.current) return;
      drawing.current = drawChart(element.current, { colors: colors.split(","), format, onPoint });
      drawing.current.update(latest.current.at, latest.current.lines);
    });
    return () => {
      isOver = true;
      drawing.current?.end();
      drawing.current = undefined;
    };
  }, [colors, look]);
  useEffect(() => drawing.current?.update(at, lines), [at, lines]);
  return <div class="plot" ref={element} role="img" aria-label={label} />;
}
