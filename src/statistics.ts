/** Statistics of evaluations: intervals of scores, paired comparisons, power, repeated samples, and judges. */

export {
  type CompareOptions,
  compareScores,
  type ItemScore,
  type ScoreComparison,
} from "./evaluation/compare/compare-scores.ts";
export { krippendorffAlpha, type RatingScale } from "./evaluation/statistics/agreement.ts";
export { type BootstrapOptions, bootstrapInterval } from "./evaluation/statistics/bootstrap.ts";
export { adjustBenjaminiHochberg, adjustHolm } from "./evaluation/statistics/corrections.ts";
export { exactInterval, type Interval, studentInterval, wilsonInterval } from "./evaluation/statistics/intervals.ts";
export { type CalibratedRate, calibrateJudge, type JudgeLabels } from "./evaluation/statistics/judge-calibration.ts";
export { estimateMean, type MeanEstimate, type Observation } from "./evaluation/statistics/mean.ts";
export {
  alwaysValidPValues,
  mcNemarExact,
  pairedPermutationTest,
  pairedRateInterval,
} from "./evaluation/statistics/paired-tests.ts";
export {
  type ComparisonDesign,
  DEFAULT_DESIGN,
  itemsNeeded,
  smallestDetectableDifference,
} from "./evaluation/statistics/power.ts";
export { createRandom, type Random } from "./evaluation/statistics/random.ts";
export { mostFrequent, passAllK, passAtK } from "./evaluation/statistics/repeated-samples.ts";
