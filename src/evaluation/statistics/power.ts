import { normalQuantile } from "./distributions.ts";

/** How a comparison of two models on the same items is designed, and what is assumed about it. */
export interface ComparisonDesign {
  /** The expected score of both models, between 0 and 1. */
  readonly accuracy: number;
  /** The correlation between the scores of two models on one item. */
  readonly correlation: number;
  /** Samples of each model per item. */
  readonly samples: number;
  /** The share of an item's variance that repeated samples average out; 0 if a model always gives the same answer. */
  readonly sampling: number;
  /** Items per cluster times the correlation within it, as a factor on the variance; 1 without clusters. */
  readonly designEffect: number;
  readonly power: number;
  readonly level: number;
}

/**
 * What is assumed before anything is known: the correlations that Miller reports between models range from 0.3 to 0.7
 * (arXiv 2411.00640, section 4).
 */
export const DEFAULT_DESIGN: ComparisonDesign = {
  accuracy: 0.7,
  correlation: 0.5,
  samples: 1,
  sampling: 1 / 3,
  designEffect: 1,
  power: 0.8,
  level: 0.05,
};

/** The smallest difference that a paired comparison of `items` items shows with the power of the design. */
export function smallestDetectableDifference(items: number, design: ComparisonDesign): number {
  return multiplier(design) * Math.sqrt(differenceVariance(design) / items);
}

/** The number of items that a paired comparison needs to show `difference` with the power of the design. */
export function itemsNeeded(difference: number, design: ComparisonDesign): number {
  return Math.max(1, Math.ceil((multiplier(design) ** 2 * differenceVariance(design)) / difference ** 2));
}

/**
 * The number of items that show a measured difference, from the variance of the differences per item. Tests of pairs compare with
 * differences of random sign, whose variance is their mean square (Connor, "Sample Size for Testing Differences in Proportions for the
 * Paired-Sample Design", 1987, for rates).
 */
export function itemsNeededForDifferences(
  { mean, variance }: { readonly mean: number; readonly variance: number },
  { power, level }: Pick<ComparisonDesign, "power" | "level">,
): number {
  const spread = normalQuantile(1 - level / 2) * Math.hypot(Math.sqrt(variance), mean);
  return Math.max(1, Math.ceil(((spread + normalQuantile(power) * Math.sqrt(variance)) / mean) ** 2));
}

function multiplier({ power, level }: Pick<ComparisonDesign, "power" | "level">): number {
  return normalQuantile(1 - level / 2) + normalQuantile(power);
}

/** The variance of the difference of two models' mean scores on one item. */
function differenceVariance({ accuracy, correlation, samples, sampling, designEffect }: ComparisonDesign): number {
  const variance = accuracy * (1 - accuracy) * (1 - sampling + sampling / samples);
  return 2 * variance * (1 - correlation) * designEffect;
}
