import { type Interval, NO_INTERVAL } from "./intervals.ts";
import { type ClusterSums, estimateMean, type Observation, sumByCluster } from "./mean.ts";
import { drawInteger, type Random } from "./random.ts";

export interface BootstrapOptions {
  readonly random: Random;
  readonly confidence?: number;
  readonly replicates?: number;
}

/** Enough that an end of a 95 % interval varies by about 2 % of its distance from the mean. */
const REPLICATES = 2_000;

/**
 * The bootstrap-t interval of a mean, for scores that are skewed: whole clusters are drawn with replacement, and the
 * quantiles of their t statistics replace Student's (Efron and Tibshirani, "An Introduction to the Bootstrap", chapter 12.5).
 */
export function bootstrapInterval(
  observations: readonly Observation[],
  { random, confidence = 0.95, replicates = REPLICATES }: BootstrapOptions,
): Interval {
  const { mean, standardError } = estimateMean(observations);
  const clusters = sumByCluster(observations);
  if (clusters.sums.length < 2) return NO_INTERVAL;
  if (standardError === 0) return { low: mean, high: mean };
  const statistics = Float64Array.from({ length: replicates }, () => drawStatistic(clusters, mean, random)).sort();
  const quantile = (p: number) =>
    statistics[Math.min(replicates - 1, Math.max(0, Math.round(p * (replicates + 1)) - 1))] ?? 0;
  const tail = (1 - confidence) / 2;
  return { low: mean - quantile(1 - tail) * standardError, high: mean - quantile(tail) * standardError };
}

/** The t statistic of as many clusters, drawn with replacement. */
function drawStatistic({ sums, counts }: ClusterSums, mean: number, random: Random): number {
  const clusters = sums.length;
  const drawn = Int32Array.from(sums, () => drawInteger(random, clusters));
  const count = drawn.reduce((total, index) => total + (counts[index] ?? 0), 0);
  const drawnMean = drawn.reduce((total, index) => total + (sums[index] ?? 0), 0) / count;
  const squares = drawn.reduce(
    (total, index) => total + ((sums[index] ?? 0) - drawnMean * (counts[index] ?? 0)) ** 2,
    0,
  );
  const standardError = Math.sqrt((squares * clusters) / (clusters - 1)) / count;
  const difference = drawnMean - mean;
  // All drawn clusters are alike; the statistic is infinite unless they are like the mean.
  return difference === 0 ? 0 : difference / standardError;
}
