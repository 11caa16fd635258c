/** Maps values to positions, with round values to label. */
export interface ValueScale {
  readonly ticks: readonly number[];
  readonly step: number;
  toPosition(value: number): number;
}

const STEPS = [1, 2, 5, 10];

/** A scale for these values from `start` to `end` (positions), with some space around; values stay within `bounds`. */
export function createValueScale(
  values: readonly number[],
  {
    start,
    end,
    bounds,
    count = 5,
  }: { start: number; end: number; bounds?: readonly [number, number] | undefined; count?: number },
): ValueScale {
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const space = (highest - lowest) * 0.05 || Math.abs(highest) * 0.1 || 0.1;
  const low = Math.max(bounds?.[0] ?? Number.NEGATIVE_INFINITY, lowest - space);
  const high = Math.min(bounds?.[1] ?? Number.POSITIVE_INFINITY, highest + space);
  const rough = (high - low) / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = (STEPS.find((each) => each * magnitude >= rough) ?? 10) * magnitude;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  const [from, to] = [first * step, last * step];
  return { ticks, step, toPosition: (value) => start + ((value - from) / (to - from || 1)) * (end - start) };
}
