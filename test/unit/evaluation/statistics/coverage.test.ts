import { describe, expect, test } from "vitest";
import { bootstrapInterval } from "#src/evaluation/statistics/bootstrap.ts";
import { type Interval, studentInterval, wilsonInterval } from "#src/evaluation/statistics/intervals.ts";
import { calibrateJudge } from "#src/evaluation/statistics/judge-calibration.ts";
import type { Observation } from "#src/evaluation/statistics/mean.ts";
import {
  alwaysValidPValues,
  mcNemarExact,
  pairedPermutationTest,
  pairedRateInterval,
} from "#src/evaluation/statistics/paired-tests.ts";
import { DEFAULT_DESIGN, itemsNeeded, smallestDetectableDifference } from "#src/evaluation/statistics/power.ts";
import { createRandom, type Random } from "#src/evaluation/statistics/random.ts";

/** How many of `rounds` intervals contain the truth, as a share. The seed makes the result the same every time. */
function simulateCoverage(rounds: number, simulate: (random: Random) => { interval: Interval; truth: number }): number {
  const random = createRandom(20_261_130);
  let covered = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { interval, truth } = simulate(random);
    if (interval.low <= truth && truth <= interval.high) covered += 1;
  }
  return covered / rounds;
}

function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Right and wrong answers, of which those in a cluster are alike with the given probability. */
function drawRights(random: Random, { items, size, rate }: { items: number; size: number; rate: number }) {
  const observations: Observation[] = [];
  let shared = 0;
  for (let i = 0; i < items; i += 1) {
    if (i % size === 0) shared = random() < rate ? 1 : 0;
    const value = random() < 0.5 ? shared : random() < rate ? 1 : 0;
    observations.push({ value, cluster: String(size === 1 ? i : Math.floor(i / size)) });
  }
  return observations;
}

function expectNominal(coverage: number): void {
  expect(coverage).toBeGreaterThan(0.93);
  expect(coverage).toBeLessThan(0.97);
}

/** Rates from 0.02 to 0.98; coverage of a single rate jumps up and down with it, because answers are right or wrong. */
const drawRate = (random: Random) => 0.02 + 0.96 * random();

describe("95 % intervals contain the truth in 93 to 97 % of simulations", () => {
  test.each([30, 100, 1_000])("Wilson's interval of a rate, %d items", (items) => {
    const coverage = simulateCoverage(4_000, (random) => {
      const rate = drawRate(random);
      return { interval: wilsonInterval(drawRights(random, { items, size: 1, rate })), truth: rate };
    });
    expectNominal(coverage);
  });

  test.each([
    [100, 2],
    [100, 5],
    [1_000, 10],
    [1_000, 20],
  ])("Wilson's interval of a rate, %d items in clusters of %d", (items, size) => {
    const coverage = simulateCoverage(3_000, (random) => {
      const rate = 0.05 + 0.9 * random();
      return { interval: wilsonInterval(drawRights(random, { items, size, rate })), truth: rate };
    });
    expectNominal(coverage);
  });

  test.each([
    [30, 1],
    [30, 3],
    [100, 5],
    [1_000, 20],
  ])("Student's interval of a mean, %d items in clusters of %d", (items, size) => {
    const coverage = simulateCoverage(4_000, (random) => {
      let shared = 0;
      const observations = Array.from({ length: items }, (_, i) => {
        if (i % size === 0) shared = size === 1 ? 0 : drawNormal(random);
        return { value: drawNormal(random) + shared, cluster: String(Math.floor(i / size)) };
      });
      return { interval: studentInterval(observations), truth: 0 };
    });
    expectNominal(coverage);
  });

  test("the bootstrap-t interval of a skewed score, which Student's interval misses more often", () => {
    const observe = (random: Random) =>
      Array.from({ length: 30 }, (_, i) => ({ value: -Math.log(1 - random()), cluster: String(i) }));
    const bootstrap = simulateCoverage(400, (random) => ({
      interval: bootstrapInterval(
        observe(random).map(({ value, cluster }) => ({ value: value ** 1.5, cluster })),
        { random, replicates: 500 },
      ),
      truth: 1.329_340_388_179_137,
    }));
    expectNominal(bootstrap);
  });

  test.each([30, 100, 1_000])("the interval of a difference of paired rates, %d items", (items) => {
    const coverage = simulateCoverage(4_000, (random) => {
      const up = 0.02 + 0.3 * random();
      const down = 0.02 + 0.3 * random();
      let [won, lost] = [0, 0];
      for (let i = 0; i < items; i += 1) {
        const draw = random();
        if (draw < up) won += 1;
        else if (draw < up + down) lost += 1;
      }
      return { interval: pairedRateInterval(won, lost, items), truth: up - down };
    });
    expectNominal(coverage);
  });

  test.each([
    [100, 50],
    [1_000, 200],
  ])("the calibrated rate of a judge, %d items and %d labels of each kind", (items, labels) => {
    const coverage = simulateCoverage(2_000, (random) => {
      const truth = 0.1 + 0.8 * random();
      const [sensitivity, specificity] = [0.75 + 0.2 * random(), 0.75 + 0.2 * random()];
      const draw = (count: number, rate: number) => {
        let hits = 0;
        for (let i = 0; i < count; i += 1) if (random() < rate) hits += 1;
        return hits;
      };
      const accepted = draw(items, truth * sensitivity + (1 - truth) * (1 - specificity));
      const calibrated = calibrateJudge(accepted, items, {
        ...{ right: labels, rightAccepted: draw(labels, sensitivity) },
        ...{ wrong: labels, wrongRejected: draw(labels, specificity) },
      });
      return { interval: calibrated?.interval ?? { low: 0, high: 1 }, truth };
    });
    expectNominal(coverage);
  });
});

/** Pairs of right and wrong answers of two models to the same items, whose difficulties differ widely. */
function drawPairs(random: Random, items: number, advantage: number) {
  return Array.from({ length: items }, () => {
    const difficulty = random() ** 0.3;
    const shared = random();
    const isRight = (rate: number) => (random() < 0.85 ? shared : random()) < rate;
    return { a: isRight(difficulty) ? 1 : 0, b: isRight(Math.max(0, difficulty - advantage)) ? 1 : 0 };
  });
}

/** The share of simulations whose p-value is at most 0.05. */
function simulateRejections(rounds: number, test: (random: Random) => number): number {
  const random = createRandom(7);
  let rejected = 0;
  for (let round = 0; round < rounds; round += 1) if (test(random) <= 0.05) rejected += 1;
  return rejected / rounds;
}

const differencesOf = (pairs: readonly { a: number; b: number }[]) =>
  pairs.map(({ a, b }, i) => ({ value: a - b, cluster: String(i) }));

describe("paired tests", () => {
  const countWins = (pairs: readonly { a: number; b: number }[]) => pairs.filter(({ a, b }) => a > b).length;
  const countLosses = (pairs: readonly { a: number; b: number }[]) => pairs.filter(({ a, b }) => a < b).length;
  const exact = (pairs: readonly { a: number; b: number }[]) => mcNemarExact(countWins(pairs), countLosses(pairs));

  test("find a difference without one in at most 5 % of the cases", () => {
    expect(simulateRejections(2_000, (random) => exact(drawPairs(random, 200, 0)))).toBeLessThanOrEqual(0.05);
    const permuted = simulateRejections(300, (random) =>
      pairedPermutationTest(differencesOf(drawPairs(random, 60, 0)), random),
    );
    expect(permuted).toBeLessThan(0.07);
    const stopped = simulateRejections(1_000, (random) => {
      const differences = drawPairs(random, 300, 0).map(({ a, b }) => a - b);
      return alwaysValidPValues(differences).at(-1) ?? 1;
    });
    expect(stopped).toBeLessThanOrEqual(0.05);
  });

  test("find a difference that a comparison of the two intervals misses", () => {
    const paired = simulateRejections(500, (random) => exact(drawPairs(random, 400, 0.06)));
    const unpaired = simulateRejections(500, (random) => {
      const pairs = drawPairs(random, 400, 0.06);
      const a = wilsonInterval(pairs.map((pair, i) => ({ value: pair.a, cluster: String(i) })));
      const b = wilsonInterval(pairs.map((pair, i) => ({ value: pair.b, cluster: String(i) })));
      return a.low > b.high || b.low > a.high ? 0 : 1;
    });
    expect(paired).toBeGreaterThan(0.8);
    expect(unpaired).toBeLessThan(0.3);
  });

  test("have the power that was planned for", () => {
    const design = { ...DEFAULT_DESIGN, accuracy: 0.5, correlation: 0, sampling: 0 };
    const difference = 0.1;
    const items = itemsNeeded(difference, design);
    expect(smallestDetectableDifference(items, design)).toBeLessThanOrEqual(difference);
    expect(smallestDetectableDifference(items - 1, design)).toBeGreaterThan(difference);
    const found = simulateRejections(1_000, (random) => {
      const pairs = Array.from({ length: items }, () => ({
        ...{ a: random() < 0.55 ? 1 : 0, b: random() < 0.45 ? 1 : 0 },
      }));
      const { low, high } = studentInterval(differencesOf(pairs));
      return low > 0 || high < 0 ? 0 : 1;
    });
    expect(found).toBeGreaterThan(0.77);
    expect(found).toBeLessThan(0.84);
  });
});
