import { escapeControlCharacters } from "#src/dashboard/web/components/escape-control-characters.ts";
import { shortenText } from "#src/dashboard/web/report/shorten-text.ts";
import { ChartFrame } from "./chart-frame.tsx";
import { isNarrowScreen } from "./narrow-screen.ts";
import { createValueScale } from "./value-scale.ts";

export interface ForestRow {
  readonly label: string;
  readonly mean: number;
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** The values as text, and a short form for phones. */
  readonly text: string;
  readonly shortText: string;
  /** Drawn with a diamond, such as the baseline. */
  readonly isMarked?: boolean;
}

const LAYOUTS = {
  wide: {
    width: 860,
    plotStart: 270,
    plotEnd: 580,
    rowHeight: 26,
    labelChars: 40,
    labelDy: 0,
    barDy: 0,
    isShort: false,
  },
  narrow: {
    width: 360,
    plotStart: 16,
    plotEnd: 344,
    rowHeight: 44,
    labelChars: 36,
    labelDy: -8,
    barDy: 10,
    isShort: true,
  },
};

/** Means with their intervals, one line each, and a vertical line at `reference`. */
export function ForestPlot({
  title,
  rows,
  format,
  reference,
  bounds,
}: {
  title: string;
  rows: readonly ForestRow[];
  /** A label of the axis, whose labels differ by `step`. */
  format: (value: number, step: number) => string;
  reference?: number;
  bounds?: readonly [number, number] | undefined;
}) {
  const layout = isNarrowScreen.value ? LAYOUTS.narrow : LAYOUTS.wide;
  const { width, plotStart, plotEnd, rowHeight } = layout;
  const values = rows.flatMap(({ mean, interval }) => [mean, ...(interval ? [interval.low, interval.high] : [])]);
  const scale = createValueScale([...values, ...(reference === undefined ? [] : [reference])], {
    ...{ start: plotStart + 8, end: plotEnd - 8, count: isNarrowScreen.value ? 4 : 5 },
    bounds,
  });
  const bottom = rows.length * rowHeight + 6;
  return (
    <ChartFrame title={title} width={width} height={bottom + 24}>
      {scale.ticks.map((tick) => (
        <g key={tick}>
          <path d={`M${scale.toPosition(tick)},4V${bottom}`} stroke="var(--border)" />
          <text x={scale.toPosition(tick)} y={bottom + 16} text-anchor="middle" fill="var(--text-muted)" font-size="11">
            {format(tick, scale.step)}
          </text>
        </g>
      ))}
      {reference === undefined ? null : (
        <path
          d={`M${scale.toPosition(reference)},4V${bottom}`}
          stroke="var(--text-muted)"
          stroke-width="1.5"
          stroke-dasharray="4 3"
        />
      )}
      {rows.map((row, i) => (
        <ForestLine
          key={`${i} ${row.label}`}
          row={row}
          y={(i + 0.5) * rowHeight + 4}
          layout={layout}
          toX={scale.toPosition}
        />
      ))}
    </ChartFrame>
  );
}

function ForestLine({
  row: { label, mean, interval, text, shortText, isMarked },
  y,
  layout: { width, labelChars, labelDy, barDy, isShort },
  toX,
}: {
  row: ForestRow;
  y: number;
  layout: (typeof LAYOUTS)["wide"];
  toX: (value: number) => number;
}) {
  const [x, barY] = [toX(mean), y + barDy];
  const color = isMarked ? "var(--text-muted)" : "var(--accent)";
  const shown = escapeControlCharacters(shortenText(label, labelChars));
  return (
    <g>
      <title>{`${escapeControlCharacters(label)}: ${text}`}</title>
      <text x={8} y={y + labelDy} dominant-baseline="central" fill="var(--text)" unicode-bidi="isolate">
        {shown}
      </text>
      <text x={width - 8} y={y + labelDy} text-anchor="end" dominant-baseline="central" fill="var(--text-muted)">
        {isShort ? shortText : text}
      </text>
      {interval === null ? null : (
        <path
          d={`M${toX(interval.low)},${barY}H${toX(interval.high)}m0,-4v8M${toX(interval.low)},${barY - 4}v8`}
          stroke={color}
          stroke-width="2"
          fill="none"
        />
      )}
      {isMarked ? (
        <path d={`M${x},${barY - 6}l6,6l-6,6l-6,-6z`} fill={color} />
      ) : (
        <circle cx={x} cy={barY} r="5" fill={color} />
      )}
    </g>
  );
}
