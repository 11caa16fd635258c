/** One observation; those that share a cluster are not independent of each other. */
export interface Observation {
  readonly value: number;
  readonly cluster: string;
}

/** A mean with what its interval needs. */
export interface MeanEstimate {
  readonly mean: number;
  /** NaN with fewer than two clusters. */
  readonly standardError: number;
  readonly count: number;
  readonly clusters: number;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The unbiased sample variance; NaN of fewer than two values. */
export function varianceOf(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

/**
 * The mean of observations and its standard error, clustered as in Miller, "Adding Error Bars to Evals" (arXiv 2411.00640),
 * equation 4, with the correction C / (C - 1) for a finite number C of clusters. With one observation per cluster this is
 * the usual standard error.
 */
export function estimateMean(observations: readonly Observation[]): MeanEstimate {
  const count = observations.length;
  const mean = meanOf(observations.map(({ value }) => value));
  const sums = sumByCluster(observations.map(({ value, cluster }) => ({ value: value - mean, cluster })));
  const clusters = sums.length;
  const squares = sums.reduce((total, { sum }) => total + sum * sum, 0);
  const standardError = clusters < 2 ? Number.NaN : Math.sqrt((squares * clusters) / (clusters - 1)) / count;
  return { mean, standardError, count, clusters };
}

/** The sum and the number of observations of each cluster, in the order in which clusters first appear. */
export function sumByCluster(observations: readonly Observation[]): { sum: number; count: number }[] {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { value, cluster } of observations) {
    const entry = sums.get(cluster);
    if (entry) {
      entry.sum += value;
      entry.count += 1;
    } else sums.set(cluster, { sum: value, count: 1 });
  }
  return [...sums.values()];
}
