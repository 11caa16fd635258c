import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { shortenText } from "#src/dashboard/web/report/shorten-text.ts";
import { ChartFrame } from "./chart-frame.tsx";
import { isNarrowScreen } from "./narrow-screen.ts";
import { placeLabels } from "./place-labels.ts";
import { createValueScale } from "./value-scale.ts";

export interface ScatterPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
}

const LABEL_CHARS = 40;

/** Points with vertical intervals; the horizontal axis starts at zero. */
export function ScatterPlot({
  title,
  xTitle,
  points,
  formatX,
  formatY,
  bounds,
}: {
  title: string;
  xTitle: string;
  points: readonly ScatterPoint[];
  formatX: (value: number) => string;
  /** A label of the axis, whose labels differ by `step`. */
  formatY: (value: number, step: number) => string;
  bounds?: readonly [number, number] | undefined;
}) {
  const [width, height] = isNarrowScreen.value ? [360, 300] : [600, 340];
  const [left, right, bottom] = [56, width - 40, height - 44];
  const xScale = createValueScale([0, ...points.map((point) => point.x)], {
    ...{ start: left, end: right, count: isNarrowScreen.value ? 3 : 4 },
    bounds: [0, Number.POSITIVE_INFINITY],
  });
  const yScale = createValueScale(
    points.flatMap((point) => [point.y, ...(point.interval ? [point.interval.low, point.interval.high] : [])]),
    { start: bottom, end: 16, bounds },
  );
  const drawn = points.map((point) => ({
    ...{ point, x: xScale.toPosition(point.x), y: yScale.toPosition(point.y) },
    label: escapeControlCharacters(shortenText(point.label, LABEL_CHARS)),
  }));
  const labels = placeLabels(drawn, left, width);
  const placed = drawn.map((each, i) => ({ ...each, at: labels[i] }));
  return (
    <ChartFrame title={title} width={width} height={height}>
      {yScale.ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${left},${yScale.toPosition(tick)}H${right}`} stroke="var(--border)" />
          <text
            x={left - 8}
            y={yScale.toPosition(tick)}
            text-anchor="end"
            dominant-baseline="central"
            fill="var(--text-muted)"
            font-size="11"
          >
            {formatY(tick, yScale.step)}
          </text>
        </g>
      ))}
      {xScale.ticks.map((tick) => (
        <text
          key={tick}
          x={xScale.toPosition(tick)}
          y={bottom + 16}
          text-anchor="middle"
          fill="var(--text-muted)"
          font-size="11"
        >
          {formatX(tick)}
        </text>
      ))}
      <text x={(left + right) / 2} y={height - 8} text-anchor="middle" fill="var(--text-muted)">
        {xTitle}
      </text>
      {placed.map(({ point, x, y, label, at }, i) => (
        <g key={`${i} ${label}`}>
          {point.interval === null ? null : (
            <path
              d={`M${x},${yScale.toPosition(point.interval.low)}V${yScale.toPosition(point.interval.high)}`}
              stroke="var(--accent)"
              stroke-width="2"
            />
          )}
          <circle cx={x} cy={y} r="5" fill="var(--accent)" />
          <text x={at?.x} y={at?.y} fill="var(--text)" unicode-bidi="isolate">
            {label}
          </text>
        </g>
      ))}
    </ChartFrame>
  );
}
