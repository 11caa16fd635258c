import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { shortenText } from "#src/dashboard/web/report/shorten-text.ts";
import { ChartFrame } from "./chart-frame.tsx";
import { isNarrowScreen } from "./narrow-screen.ts";
import { createValueScale } from "./value-scale.ts";

export interface ScatterPoint {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
}

const LABEL_CHARS = 28;

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
  bounds?: readonly [number, number];
}) {
  const [width, height] = isNarrowScreen.value ? [360, 300] : [600, 340];
  const [left, right, bottom] = [56, width - 40, height - 44];
  const x = createValueScale([0, ...points.map((point) => point.x)], {
    ...{ start: left, end: right, count: isNarrowScreen.value ? 3 : 4 },
    bounds: [0, Number.POSITIVE_INFINITY],
  });
  const y = createValueScale(
    points.flatMap((point) => [point.y, ...(point.interval ? [point.interval.low, point.interval.high] : [])]),
    { start: bottom, end: 16, ...(bounds && { bounds }) },
  );
  return (
    <ChartFrame title={title} width={width} height={height}>
      {y.ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${left},${y.toPosition(tick)}H${right}`} stroke="var(--border)" />
          <text
            x={left - 8}
            y={y.toPosition(tick)}
            text-anchor="end"
            dominant-baseline="central"
            fill="var(--text-muted)"
            font-size="11"
          >
            {formatY(tick, y.step)}
          </text>
        </g>
      ))}
      {x.ticks.map((tick) => (
        <text
          key={tick}
          x={x.toPosition(tick)}
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
      {points
        .toSorted((a, b) => a.x - b.x)
        .map((point, i) => (
          <Point
            key={`${i} ${point.label}`}
            isBelow={i % 2 === 1}
            point={point}
            x={x.toPosition(point.x)}
            toY={y.toPosition}
            right={right}
          />
        ))}
    </ChartFrame>
  );
}

function Point({
  point: { label, y, interval },
  x,
  isBelow,
  toY,
  right,
}: {
  point: ScatterPoint;
  x: number;
  /** Neighbours have their labels above and below, so that fewer of them overlap. */
  isBelow: boolean;
  toY: (value: number) => number;
  right: number;
}) {
  const isLeft = x > right * 0.6;
  return (
    <g>
      {interval === null ? null : (
        <path d={`M${x},${toY(interval.low)}V${toY(interval.high)}`} stroke="var(--accent)" stroke-width="2" />
      )}
      <circle cx={x} cy={toY(y)} r="5" fill="var(--accent)" />
      <text
        x={x + (isLeft ? -9 : 9)}
        y={toY(y) + (isBelow ? 16 : -8)}
        text-anchor={isLeft ? "end" : "start"}
        fill="var(--text)"
        unicode-bidi="isolate"
      >
        {escapeControlCharacters(shortenText(label, LABEL_CHARS))}
      </text>
    </g>
  );
}
