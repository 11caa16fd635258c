import UPlot, { type AlignedData, type Options } from "uplot";
import "uplot/dist/uPlot.min.css";

export interface ChartHandle {
  update(at: readonly number[], lines: readonly { readonly values: readonly (number | null)[] }[]): void;
  destroy(): void;
}

export interface DrawingOptions {
  /** One of "a" to "e" per line; design-tokens.css defines the colours as `--series-a` and so on. */
  readonly colors: readonly string[];
  readonly format: (value: number) => string;
  /** Called with the index of the step under the pointer, or null. */
  readonly onHover: (index: number | null) => void;
}

/** Dash patterns, so that lines can be distinguished without colour. */
const DASHES: Readonly<Record<string, number[]>> = { b: [5, 3], d: [2, 2], e: [5, 3] };

/** Draws into an empty element and follows its size; `destroy` leaves the element empty. */
export function drawChart(element: HTMLElement, options: DrawingOptions): ChartHandle {
  const plot = new UPlot(buildUplotOptions(element, options), [[], ...options.colors.map(() => [])], element);
  const observer = new ResizeObserver(() => {
    plot.setSize({ width: element.clientWidth, height: element.clientHeight });
  });
  observer.observe(element);
  return {
    update(at, lines) {
      const seconds = at.map((ms) => ms / 1000);
      plot.setData([seconds, ...lines.map(({ values }) => [...values])] as AlignedData);
    },
    destroy() {
      observer.disconnect();
      plot.destroy();
    },
  };
}

function buildUplotOptions(element: HTMLElement, { colors, format, onHover }: DrawingOptions): Options {
  const color = createColorResolver(element);
  const axis = {
    stroke: color("--text-muted"),
    font: `11px ${getComputedStyle(element).fontFamily}`,
    grid: { stroke: color("--border"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    // The last time label is centred on the right edge, so half of it needs padding.
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: { drag: { setScale: false, x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_, min, max) => [Math.min(0, min ?? 0), (max ?? 0) > 0 ? (max ?? 0) * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 7,
        grid: { show: false },
        space: 56,
        incrs: STEPS_S,
        values: (_plot, splits, _axis, _space, step) => splits.map((seconds) => formatClockTime(seconds, step < 60)),
      },
      {
        ...axis,
        size: 52,
        gap: 4,
        space: 28,
        // If all values are zero, labels above zero would be meaningless.
        values: (plot, splits) => {
          const isFlat = !plot.data.slice(1).some((line) => line.some((value) => (value ?? 0) !== 0));
          return splits.map((value) => (isFlat && value !== 0 ? "" : format(value)));
        },
      },
    ],
    series: [
      {},
      ...colors.map((name, index) => ({
        stroke: color(`--series-${name}`),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
        dash: DASHES[name],
        fill: index === 0 ? addTransparency(color(`--series-${name}`)) : undefined,
      })),
    ],
    hooks: { setCursor: [(plot) => onHover(plot.cursor.idx ?? null)] },
  };
}

/** Possible distances between time labels, in seconds. The defaults of the library have no 2-minute step, which would leave a range of five minutes with a single label. */
const STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];

/** "14:05" in the local time zone, "14:05:30" with seconds. */
function formatClockTime(seconds: number, withSeconds: boolean): string {
  const date = new Date(seconds * 1000);
  const parts = [date.getHours(), date.getMinutes(), ...(withSeconds ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** A canvas does not understand `light-dark()`, so the current value of a custom property is read from an element that uses it. */
function createColorResolver(element: HTMLElement): (name: string) => string {
  const probe = document.createElement("i");
  element.append(probe);
  const cache = new Map<string, string>();
  queueMicrotask(() => probe.remove());
  return (name) => {
    const known = cache.get(name);
    if (known !== undefined) return known;
    probe.style.color = `var(${name})`;
    const value = getComputedStyle(probe).color;
    cache.set(name, value);
    return value;
  };
}

function addTransparency(color: string): string {
  return color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.1)");
}
