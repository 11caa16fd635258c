import { getTimeShare } from "./axes.ts";

/** Size of the coordinate system of the lines, which the browser stretches to the size of the plot. */
export const PLOT_SIZE = 1_000;

type Point = readonly [x: number, y: number];

/**
 * The path of a line, and of the area below it. A null is a gap; a value between two gaps becomes a dot. Both are empty
 * without values. Pure.
 */
export function buildPath(
  times: readonly number[],
  values: readonly (number | null)[],
  max: number,
): { readonly line: string; readonly area: string } {
  const segments: Point[][] = [];
  let isOpen = false;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isOpen = false;
      continue;
    }
    const point: Point = [
      Math.round(getTimeShare(times[index] ?? 0, times) * PLOT_SIZE),
      Math.round((1 - Math.max(0, value) / max) * PLOT_SIZE),
    ];
    if (isOpen) segments.at(-1)?.push(point);
    else segments.push([point]);
    isOpen = true;
  }
  // A line to its own start is drawn as a dot, because the ends of lines are round.
  const line = segments.map((points) => `M${join(points)}${points.length === 1 ? "h0" : ""}`).join("");
  const area = segments
    .filter(({ length }) => length > 1)
    .map((points) => `M${points[0]?.[0]},${PLOT_SIZE}L${join(points)}V${PLOT_SIZE}z`)
    .join("");
  return { line, area };
}

function join(points: readonly Point[]): string {
  return points.map(([x, y]) => `${x},${y}`).join("L");
}
