import { type Interval, studentInterval } from "#src/evaluation/statistics/intervals.ts";
import { estimateMean, meanOf, type Observation, varianceOf } from "#src/evaluation/statistics/mean.ts";
import { mcNemarExact, pairedPermutationTest, pairedRateInterval } from "#src/evaluation/statistics/paired-tests.ts";
import { itemsNeededForDifferences } from "#src/evaluation/statistics/power.ts";
import { createRandom } from "#src/evaluation/statistics/random.ts";

/** The score of one item, for example the mean of its samples. */
export interface ItemScore {
  readonly item: string;
  readonly value: number;
  /** Items that share a passage or topic; by default each item is a cluster of its own. */
  readonly cluster?: string | undefined;
}

export interface CompareOptions {
  readonly confidence?: number;
  /** The power for `itemsNeeded`. */
  readonly power?: number;
  /** Seed of the random permutations; equal seeds give equal p-values. */
  readonly seed?: number;
}

/** How the scores of two systems on the same items differ; positive numbers favour the first. */
export interface ScoreComparison {
  readonly pairs: number;
  /** Items that only one of the two lists has; they are not compared. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  readonly meanFirst: number;
  readonly meanSecond: number;
  readonly difference: number;
  readonly interval: Interval;
  readonly pValue: number;
  /** McNemar's exact test for right and wrong without clusters, otherwise a permutation of signs. */
  readonly test: "mcnemar" | "permutation";
  readonly won: number;
  readonly lost: number;
  readonly tied: number;
  /** Items needed to show a difference as large as the observed one, more than `pairs` if it is not shown; undefined without one. */
  readonly itemsNeeded: number | undefined;
}

/** The scores of two systems on one item. */
export interface ScorePair {
  readonly first: number;
  readonly second: number;
  readonly cluster?: string | number | undefined;
}

export type PairComparison = Omit<ScoreComparison, "onlyFirst" | "onlySecond">;

/**
 * Compares two lists of scores item by item, which finds smaller differences than comparing their means does. Throws a
 * RangeError if an item occurs twice in a list, a value is not finite, or an item is in different clusters.
 */
export function compareScores(
  first: readonly ItemScore[],
  second: readonly ItemScore[],
  options: CompareOptions = {},
): ScoreComparison {
  const [firstByItem, secondByItem] = [indexByItem(first), indexByItem(second)];
  return {
    ...comparePairs(pairUp(firstByItem, secondByItem), options),
    onlyFirst: first.filter(({ item }) => !secondByItem.has(item)).map(({ item }) => item),
    onlySecond: second.filter(({ item }) => !firstByItem.has(item)).map(({ item }) => item),
  };
}

/** Compares the scores of two systems that are paired already. */
export function comparePairs(
  pairs: readonly ScorePair[],
  { confidence = 0.95, power = 0.8, seed = 1 }: CompareOptions = {},
): PairComparison {
  const differences = pairs.map((pair) => ({ value: pair.first - pair.second, cluster: pair.cluster }));
  const won = differences.filter(({ value }) => value > 0).length;
  const lost = differences.filter(({ value }) => value < 0).length;
  const difference = meanOf(differences.map(({ value }) => value));
  const { clusters, count } = estimateMean(differences);
  const isRightOrWrong = pairs.every(({ first: a, second: b }) => isBinary(a) && isBinary(b)) && clusters === count;
  const pValue = isRightOrWrong ? mcNemarExact(won, lost) : pairedPermutationTest(differences, createRandom(seed));
  // The estimate is rough for few items, and must not contradict the test.
  const neededAtLeast = pValue < 1 - confidence ? 1 : pairs.length + 1;
  return {
    pairs: pairs.length,
    meanFirst: meanOf(pairs.map((pair) => pair.first)),
    meanSecond: meanOf(pairs.map((pair) => pair.second)),
    difference,
    interval: isRightOrWrong
      ? pairedRateInterval(won, lost, pairs.length, confidence)
      : studentInterval(differences, confidence),
    pValue,
    test: isRightOrWrong ? "mcnemar" : "permutation",
    won,
    lost,
    tied: pairs.length - won - lost,
    itemsNeeded:
      difference === 0 || pairs.length < 2
        ? undefined
        : Math.max(neededAtLeast, countNeeded(differences, { confidence, power })),
  };
}

function indexByItem(scores: readonly ItemScore[]): Map<string, ItemScore> {
  const byItem = new Map<string, ItemScore>();
  for (const score of scores) {
    if (byItem.has(score.item)) throw new RangeError(`the item "${score.item}" has two scores`);
    if (!Number.isFinite(score.value))
      throw new RangeError(`the score of the item "${score.item}" is not a finite number`);
    byItem.set(score.item, score);
  }
  return byItem;
}

function pairUp(first: ReadonlyMap<string, ItemScore>, second: ReadonlyMap<string, ItemScore>): ScorePair[] {
  const pairs: ScorePair[] = [];
  for (const [item, one] of first) {
    const other = second.get(item);
    if (!other) continue;
    if (one.cluster !== other.cluster) throw new RangeError(`the item "${item}" is in two different clusters`);
    pairs.push({ first: one.value, second: other.value, cluster: one.cluster });
  }
  return pairs;
}

function isBinary(value: number): boolean {
  return value === 0 || value === 1;
}

/** The items that show the mean of the differences; clusters add to them what they add to its variance. */
function countNeeded(
  differences: readonly Observation[],
  { confidence, power }: { readonly confidence: number; readonly power: number },
): number {
  const { mean, standardError, count, clusters } = estimateMean(differences);
  const variance = varianceOf(differences.map(({ value }) => value));
  const designEffect = clusters < 2 || variance === 0 ? 1 : (standardError ** 2 * count) / variance;
  return Math.ceil(designEffect * itemsNeededForDifferences({ mean, variance }, { level: 1 - confidence, power }));
}
