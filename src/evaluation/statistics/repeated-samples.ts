/**
 * The probability that at least one of `k` samples is right, from `correct` of `samples` (Chen et al., arXiv 2107.03374,
 * equation 1; unbiased). NaN with fewer than `k` samples.
 */
export function passAtK(samples: number, correct: number, k: number): number {
  return 1 - chooseRatio(samples, samples - correct, k);
}

/** The probability that all of `k` samples are right, from `correct` of `samples`; unbiased. NaN with fewer than `k` samples. */
export function passAllK(samples: number, correct: number, k: number): number {
  return chooseRatio(samples, correct, k);
}

/** "part choose k" divided by "all choose k". */
function chooseRatio(all: number, part: number, k: number): number {
  if (all < k) return Number.NaN;
  let ratio = 1;
  for (let i = 0; i < k; i += 1) ratio *= Math.max(0, part - i) / (all - i);
  return ratio;
}

/** The most frequent value, the first of equally frequent ones; undefined if there is none. */
export function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: { value: T; count: number } | undefined;
  for (const [value, count] of counts) if (best === undefined || count > best.count) best = { value, count };
  return best?.value;
}
