export interface LabelledPoint {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

export interface PlacedLabel {
  /** Left end, and the baseline of the text. */
  readonly x: number;
  readonly y: number;
}

/** Average widths of characters of 12 px; Chinese ones are square. */
const [NARROW_PX, WIDE_PX] = [6.6, 12];
const HEIGHT_PX = 14;
const GAP_PX = 9;
/** Distances of the baseline from the point, the best first. */
const OFFSETS = [-8, 16, 4, -22, 30, -36, 44, -50, 58];

/** Places the label of each point next to it, between `left` and `right`, where no earlier label is if possible. */
export function placeLabels(points: readonly LabelledPoint[], left: number, right: number): PlacedLabel[] {
  const boxes: (PlacedLabel & { readonly width: number })[] = [];
  for (const { x, y, label } of points) {
    const width = [...label].reduce((sum, each) => sum + (/\p{Script=Han}/u.test(each) ? WIDE_PX : NARROW_PX), 0);
    const sides = [x + GAP_PX, x - GAP_PX - width].filter((start) => start >= left && start + width <= right);
    const starts = sides.length > 0 ? sides : [Math.max(left, right - width)];
    const candidates = OFFSETS.flatMap((offset) => starts.map((start) => ({ x: start, y: y + offset, width })));
    const isFree = (box: (typeof candidates)[number]) =>
      boxes.every(
        (other) =>
          box.x >= other.x + other.width || other.x >= box.x + box.width || Math.abs(box.y - other.y) >= HEIGHT_PX,
      );
    const chosen = candidates.find(isFree) ?? candidates[0];
    if (chosen) boxes.push(chosen);
  }
  return boxes.map(({ x, y }) => ({ x, y }));
}
