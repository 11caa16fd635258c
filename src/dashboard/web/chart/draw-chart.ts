import UPlot, { type AlignedData, type Options } from "uplot";
import "uplot/dist/uPlot.min.css";

export interface ChartHandle {
  update(at: readonly number[], lines: readonly { readonly values: readonly (number | null)[] }[]): void;
  destroy(): void;
}

export interface DrawingOptions {
  /** One of "a" to "e" per line; the style sheet says what they look like. */
  readonly colors: readonly string[];
  readonly format: (value: number) => string;
  /** Told which step is under the pointer, and null when none is. */
  readonly onHover: (index: number | null) => void;
}

/** Broken lines beside whole ones, so that they can be told apart without their colour. */
const DASHES: Readonly<Record<string, number[]>> = { b: [5, 3], d: [2, 2], e: [5, 3] };

/** Draws in an empty element, follows its width, and leaves it empty at the end. */
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
    // The last label of the time stands under the right edge, half of it beyond.
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
        // Where all is zero, what is above it is a height and no figure.
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

/** Seconds from one label of the time to the next; the library knows no two minutes, and leaves five with one label. */
const STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400];

/** "14:05" in the reader's zone, "14:05:30" with seconds. */
function formatClockTime(seconds: number, withSeconds: boolean): string {
  const date = new Date(seconds * 1000);
  const parts = [date.getHours(), date.getMinutes(), ...(withSeconds ? [date.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** A canvas takes no `light-dark()`: what a name means at this moment is read from an element that wears it. */
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
