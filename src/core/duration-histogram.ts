/**
 * Upper bounds of the histogram's buckets, in ms: six per decade from 1 ms to 1,000 s, each at most twice the one
 * before. Longer durations are counted in one more bucket.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  ...[1, 10, 100, 1_000, 10_000, 100_000].flatMap((decade) => [1, 1.5, 2, 3, 5, 7].map((step) => step * decade)),
  1_000_000,
];

/** The number of durations per bucket; `counts` has one element more than there are bounds. */
export interface DurationHistogram {
  readonly counts: readonly number[];
  /** Sum of all durations. */
  readonly sumMs: number;
}

export const EMPTY_HISTOGRAM: DurationHistogram = {
  counts: new Array<number>(DURATION_BOUNDS_MS.length + 1).fill(0),
  sumMs: 0,
};

/** The index of a duration's bucket; invalid durations (negative, NaN) are counted in the first one. */
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

export function countDurations({ counts }: Pick<DurationHistogram, "counts">): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

export function addHistograms(a: DurationHistogram, b: DurationHistogram): DurationHistogram {
  return { counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)), sumMs: a.sumMs + b.sumMs };
}

/**
 * The `q` quantile (0 to 1) of the durations in ms, interpolated inside its bucket, so at most one bucket away from the
 * true value. Undefined when nothing was counted. Durations beyond the last bound are reported as that bound.
 */
export function estimateQuantile({ counts }: DurationHistogram, q: number): number | undefined {
  const total = countDurations({ counts });
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
