import { betaCdf, bisect, normalQuantile, studentQuantile } from "./distributions.ts";
import { estimateMean, type Observation } from "./mean.ts";

/** A confidence interval; both ends are NaN if there are too few observations for one. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

export const NO_INTERVAL: Interval = { low: Number.NaN, high: Number.NaN };

/** Student's interval of a mean, with clustered standard error and one degree of freedom less than there are clusters. */
export function studentInterval(observations: readonly Observation[], confidence = 0.95): Interval {
  const { mean, standardError, clusters } = estimateMean(observations);
  if (clusters < 2) return NO_INTERVAL;
  const margin = studentQuantile((1 + confidence) / 2, clusters - 1) * standardError;
  return { low: mean - margin, high: mean + margin };
}

/**
 * Wilson's score interval of a rate, whose observations are 0 or 1. With clusters, the number of observations is divided by
 * the design effect, which is how much the clusters widen the variance, and Student's quantile replaces the normal one
 * (Dean and Pagano, "Evaluating Confidence Interval Methods for Binomial Proportions in Clustered Surveys", 2015).
 */
export function wilsonInterval(observations: readonly Observation[], confidence = 0.95): Interval {
  const { mean, standardError, count, clusters } = estimateMean(observations);
  if (count === 0) return NO_INTERVAL;
  const isClustered = clusters < count;
  if (isClustered && clusters < 2) return NO_INTERVAL;
  const simpleVariance = (mean * (1 - mean)) / count;
  // All alike: nothing is known about the design effect, so that each cluster counts as one observation.
  const effect = !isClustered ? 1 : simpleVariance === 0 ? count / clusters : standardError ** 2 / simpleVariance;
  const size = count / Math.max(effect, 1);
  const z = isClustered ? studentQuantile((1 + confidence) / 2, clusters - 1) : normalQuantile((1 + confidence) / 2);
  return wilson(mean, size, z);
}

function wilson(rate: number, size: number, z: number): Interval {
  const scale = 1 + (z * z) / size;
  const center = (rate + (z * z) / (2 * size)) / scale;
  const margin = (z / scale) * Math.sqrt((rate * (1 - rate)) / size + (z * z) / (4 * size * size));
  // At 0 and 1 the ends are exact, which rounding would hide.
  return { low: rate === 0 ? 0 : center - margin, high: rate === 1 ? 1 : center + margin };
}

/** Clopper and Pearson's exact interval of `successes` in `trials`; never too narrow, and wider than Wilson's. */
export function exactInterval(successes: number, trials: number, confidence = 0.95): Interval {
  const alpha = (1 - confidence) / 2;
  return {
    low: successes === 0 ? 0 : betaQuantile(alpha, successes, trials - successes + 1),
    high: successes === trials ? 1 : betaQuantile(1 - alpha, successes + 1, trials - successes),
  };
}

function betaQuantile(p: number, a: number, b: number): number {
  return bisect((x) => betaCdf(x, a, b) < p, 0, 1);
}
