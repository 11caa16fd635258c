/** One observation; those that share a cluster are not independent of each other. */
export interface Observation {
  readonly value: number;
  /** Without one, the observation is a cluster of its own. */
  readonly cluster?: string | number | undefined;
}

/** By cluster, in the order in which clusters first appear. */
export interface ClusterSums {
  readonly sums: Float64Array;
  /** Observations. */
  readonly counts: Int32Array;
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
  const mean = observations.reduce((sum, { value }) => sum + value, 0) / count;
  const { sums } = sumByCluster(observations, mean);
  const clusters = sums.length;
  const squares = sums.reduce((total, sum) => total + sum * sum, 0);
  const standardError = clusters < 2 ? Number.NaN : Math.sqrt((squares * clusters) / (clusters - 1)) / count;
  return { mean, standardError, count, clusters };
}

/** The sums of the observations' distances from `center`. Needs 12 bytes per observation. */
export function sumByCluster(observations: readonly Observation[], center = 0): ClusterSums {
  const sums = new Float64Array(observations.length);
  const counts = new Int32Array(observations.length);
  const indices = new Map<string | number, number>();
  let clusters = 0;
  for (const { value, cluster } of observations) {
    const known = cluster === undefined ? undefined : indices.get(cluster);
    const index = known ?? clusters;
    if (known === undefined) {
      clusters += 1;
      if (cluster !== undefined) indices.set(cluster, index);
    }
    sums[index] = (sums[index] ?? 0) + value - center;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return { sums: sums.subarray(0, clusters), counts: counts.subarray(0, clusters) };
}
