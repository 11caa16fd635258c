import { binomialCdf, normalCdf, normalQuantile } from "./distributions.ts";
import { type Interval, NO_INTERVAL } from "./intervals.ts";
import { type Observation, sumByCluster } from "./mean.ts";
import type { Random } from "./random.ts";

/** Up to this number of clusters with a difference, all signs are tried, 65,536 at most. */
const MAX_EXACT_CLUSTERS = 16;
const RANDOM_SIGNS = 10_000;
const MAX_PERMUTED_CLUSTERS = 20_000;

/**
 * The two-sided p-value of McNemar's exact test: `won` pairs in which only the one is right, and `lost` ones in which only
 * the other is.
 */
export function mcNemarExact(won: number, lost: number): number {
  return Math.min(1, 2 * binomialCdf(Math.min(won, lost), won + lost, 0.5));
}

/**
 * The interval of the difference of two rates over `pairs` pairs (Bonett and Price, "Adjusted Wald confidence interval for a
 * difference of binomial proportions based on paired data", 2012).
 */
export function pairedRateInterval(won: number, lost: number, pairs: number, confidence = 0.95): Interval {
  if (pairs === 0) return NO_INTERVAL;
  const up = (won + 1) / (pairs + 2);
  const down = (lost + 1) / (pairs + 2);
  const margin = normalQuantile((1 + confidence) / 2) * Math.sqrt((up + down - (up - down) ** 2) / (pairs + 2));
  return { low: Math.max(-1, up - down - margin), high: Math.min(1, up - down + margin) };
}

/**
 * The two-sided p-value of the hypothesis that differences are symmetric around 0: whole clusters change their sign. Exact
 * with up to 16 clusters that have a difference, otherwise from 10,000 random assignments (never 0). With more than 20,000
 * clusters the sum is normal, and the assignments would take seconds.
 */
export function pairedPermutationTest(differences: readonly Observation[], random: Random): number {
  const sums = sumByCluster(differences).sums.filter((sum) => sum !== 0);
  if (sums.length === 0) return 1;
  if (sums.length > MAX_PERMUTED_CLUSTERS) return normalSignTest(sums);
  // Rounding must not make an assignment that equals the observed one count as smaller.
  const observed = Math.abs(sums.reduce((total, sum) => total + sum, 0)) * (1 - 1e-12);
  const isAsLarge = (signOf: (index: number) => boolean) =>
    Math.abs(sums.reduce((total, sum, i) => (signOf(i) ? total + sum : total - sum), 0)) >= observed;
  let count = 0;
  if (sums.length <= MAX_EXACT_CLUSTERS) {
    const assignments = 2 ** sums.length;
    for (let signs = 0; signs < assignments; signs += 1) if (isAsLarge((i) => ((signs >> i) & 1) === 1)) count += 1;
    return count / assignments;
  }
  for (let i = 0; i < RANDOM_SIGNS; i += 1) if (isAsLarge(() => random() < 0.5)) count += 1;
  return (count + 1) / (RANDOM_SIGNS + 1);
}

/** The variance of a sum with random signs is the sum of the squares. */
function normalSignTest(sums: Float64Array): number {
  const total = sums.reduce((sum, each) => sum + each, 0);
  const deviation = Math.sqrt(sums.reduce((sum, each) => sum + each * each, 0));
  return Math.min(1, 2 * normalCdf(-Math.abs(total) / deviation));
}

/** Bets of different sizes on either sign; none loses everything at a difference of 1. */
const STAKES = [0.05, 0.1, 0.2, 0.35, 0.5].flatMap((stake) => [stake, -stake]);

/**
 * The p-value of the hypothesis that differences in [-1, 1] are 0 on average, after each difference. It is valid at any time,
 * so that a run may stop as soon as the value is small (Ramdas et al., "Game-Theoretic Statistics and Safe Anytime-Valid
 * Inference", arXiv 2210.01948: the average of betting martingales).
 */
export function alwaysValidPValues(differences: readonly number[]): number[] {
  const wealth = STAKES.map(() => 1);
  let smallest = 1;
  return differences.map((difference) => {
    for (const [i, stake] of STAKES.entries()) wealth[i] = (wealth[i] ?? 0) * (1 + stake * difference);
    smallest = Math.min(smallest, STAKES.length / wealth.reduce((sum, each) => sum + each, 0));
    return smallest;
  });
}
