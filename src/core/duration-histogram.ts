/**
 * Upper bounds of the classes that durations are counted in, in ms: six per decade from 1 ms to 1,000 s, none more than
 * half as long again as the one before. What took longer than the last is counted in one class beyond it.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  ...[1, 10, 100, 1_000, 10_000, 100_000].flatMap((decade) => [1, 1.5, 2, 3, 5, 7].map((step) => step * decade)),
  1_000_000,
];

/** How many durations fell into each class; `counts` has one place more than there are bounds. */
export interface DurationHistogram {
  readonly counts: readonly number[];
  /** Of all durations together. */
  readonly sumMs: number;
}

export const EMPTY_HISTOGRAM: DurationHistogram = {
  counts: new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0),
  sumMs: 0,
};

/** The class a duration is counted in; what is no duration (negative, NaN) counts as the shortest. */
export function findDurationBucket(ms: number): number {
  if (!(ms > 1)) return 0;
  let low = 0;
  let high = DURATION_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ms <= (DURATION_BOUNDS_MS[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function countDurations({ counts }: DurationHistogram): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

export function addHistograms(a: DurationHistogram, b: DurationHistogram): DurationHistogram {
  return { counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)), sumMs: a.sumMs + b.sumMs };
}

/**
 * The duration in ms that a share `q` (0 to 1) of all durations did not exceed, interpolated inside its class, so at
 * most one class away from the true one. Undefined when nothing was counted. What lies beyond the last bound is
 * reported as that bound.
 */
export function estimateQuantile({ counts }: DurationHistogram, q: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const targetRank = Math.min(1, Math.max(0, q)) * total;
  let before = 0;
  for (const [i, count] of counts.entries()) {
    if (count > 0 && before + count >= targetRank) {
      const low = i === 0 ? 0 : (DURATION_BOUNDS_MS[i - 1] ?? 0);
      const high = DURATION_BOUNDS_MS[i] ?? low;
      return low + ((high - low) * Math.max(0, targetRank - before)) / count;
    }
    before += count;
  }
  return DURATION_BOUNDS_MS.at(-1);
}
