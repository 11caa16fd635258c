/** How often each run of `size` tokens occurs. */
export function countNgrams(tokens: readonly string[], size: number, separator = " "): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + size <= tokens.length; i += 1) {
    const ngram = size === 1 ? (tokens[i] ?? "") : tokens.slice(i, i + size).join(separator);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** How many n-grams two texts share, each counted as often as it occurs in both. */
export function countShared(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let shared = 0;
  for (const [ngram, count] of a) shared += Math.min(count, b.get(ngram) ?? 0);
  return shared;
}

/** Harmonic mean of precision and recall, with `beta` times the weight on recall; 0 if both are 0. */
export function fMeasure(precision: number, recall: number, beta = 1): number {
  const weight = beta * beta;
  const sum = weight * precision + recall;
  return sum === 0 ? 0 : ((1 + weight) * precision * recall) / sum;
}
