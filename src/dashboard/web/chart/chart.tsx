import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { UntrustedText } from "#src/dashboard/web/components/untrusted-text.tsx";
import { formatters } from "#src/dashboard/web/format/formatters.ts";
import { translations } from "#src/dashboard/web/i18n/i18n.ts";
import { theme } from "#src/dashboard/web/shell/theme.ts";
import type { ChartHandle } from "./draw-chart.ts";

export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly color: "a" | "b" | "c" | "d" | "e";
}

export interface ChartProps {
  readonly title: string;
  readonly unit: string;
  /** Start of each step, epoch milliseconds. */
  readonly at: readonly number[];
  readonly lines: readonly ChartSeries[];
  readonly format: (value: number | null | undefined) => string;
  /** Shorter format for the labels of the value axis; `format` by default. */
  readonly formatAxis?: (value: number) => string;
}

/** A line chart over time. The legend shows the values under the pointer, or else the latest ones. */
export function Chart({ title, unit, at, lines, format, formatAxis = format }: ChartProps) {
  const t = translations.value.charts;
  const hovered = useSignal<number | null>(null);
  // A line needs at least two points.
  const isEmpty = !lines.some(({ values }) => values.filter((value) => value !== null).length > 1);
  const hoveredIndex = hovered.value;
  const formatValue = (values: ChartSeries["values"]) =>
    format(hoveredIndex === null ? getLatestValue(values) : values[hoveredIndex]);
  const timestamp = hoveredIndex === null ? undefined : at[hoveredIndex];
  return (
    <figure class="chart">
      <figcaption>
        <h3>
          {title} <span>{unit}</span>
        </h3>
        <ul class="legend">
          {timestamp === undefined ? null : (
            <li class="muted">{formatters.value.timestamp(timestamp, at.at(-1) ?? timestamp)}</li>
          )}
          {lines.map(({ label, values, color }) => (
            <li key={label}>
              <i class={`swatch ${color}`} aria-hidden="true" />
              <span class="muted">
                <UntrustedText value={label} truncate />
              </span>{" "}
              {isEmpty ? null : formatValue(values)}
            </li>
          ))}
        </ul>
      </figcaption>
      {isEmpty ? (
        <p class="plot no-data">{t.noData}</p>
      ) : (
        <Plot
          at={at}
          lines={lines}
          format={formatAxis}
          label={t.summary(
            title,
            unit,
            lines.map(({ label, values }) => `${label} ${format(getLatestValue(values))}`).join(", "),
          )}
          onHover={(index) => {
            hovered.value = index;
          }}
        />
      )}
    </figure>
  );
}

function getLatestValue(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

interface PlotProps extends Pick<ChartProps, "at" | "lines"> {
  readonly format: (value: number) => string;
  readonly label: string;
  readonly onHover: (index: number | null) => void;
}

/** Loads the chart library on demand, after the values of the page are visible. */
function Plot({ at, lines, format, label, onHover }: PlotProps) {
  const element = useRef<HTMLDivElement>(null);
  const drawing = useRef<ChartHandle | undefined>(undefined);
  const colors = lines.map(({ color }) => color).join();
  const latest = useRef({ at, lines });
  latest.current = { at, lines };
  const currentTheme = theme.value;
  useEffect(() => {
    let isUnmounted = false;
    void import("./draw-chart.ts").then(({ drawChart }) => {
      if (isUnmounted || !element.current) return;
      drawing.current = drawChart(element.current, { colors: colors.split(","), format, onHover });
      drawing.current.update(latest.current.at, latest.current.lines);
    });
    return () => {
      isUnmounted = true;
      drawing.current?.destroy();
      drawing.current = undefined;
    };
  }, [colors, currentTheme]);
  useEffect(() => drawing.current?.update(at, lines), [at, lines]);
  return <div class="plot" ref={element} role="img" aria-label={label} />;
}
