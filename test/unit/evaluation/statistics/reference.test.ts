import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { krippendorffAlpha } from "#src/evaluation/statistics/agreement.ts";
import { adjustBenjaminiHochberg, adjustHolm } from "#src/evaluation/statistics/corrections.ts";
import {
  betaCdf,
  binomialCdf,
  logGamma,
  normalCdf,
  normalQuantile,
  studentCdf,
  studentQuantile,
} from "#src/evaluation/statistics/distributions.ts";
import { exactInterval, type Interval, studentInterval, wilsonInterval } from "#src/evaluation/statistics/intervals.ts";
import { estimateMean, type Observation } from "#src/evaluation/statistics/mean.ts";
import { mcNemarExact, pairedPermutationTest } from "#src/evaluation/statistics/paired-tests.ts";
import { createRandom } from "#src/evaluation/statistics/random.ts";
import { passAllK, passAtK } from "#src/evaluation/statistics/repeated-samples.ts";

const number = z.number();
const pair = z.tuple([number, number]);
const triple = z.tuple([number, number, number]);
const quadruple = z.tuple([number, number, number, number]);
const estimate = z.object({
  values: z.array(number),
  clusters: z.array(z.string()).optional(),
  ...{ mean: number, standardError: number, low: number, high: number },
});
const reference = z
  .object({
    ...{ studentQuantile: z.array(triple), studentCdf: z.array(triple), mcnemar: z.array(triple) },
    ...{ normalQuantile: z.array(pair), normalCdf: z.array(pair), logGamma: z.array(pair) },
    ...{ binomialCdf: z.array(quadruple), betaCdf: z.array(quadruple) },
    ...{ clustered: z.array(estimate), simple: z.array(estimate) },
    proportions: z.array(z.object({ successes: number, trials: number, wilson: pair, exact: pair })),
    permutation: z.array(z.object({ values: z.array(number), p: number })),
    corrections: z.array(z.object({ p: z.array(number), holm: z.array(number), benjaminiHochberg: z.array(number) })),
  })
  .parse(JSON.parse(readFileSync("test/fixtures/statistics/reference.json", "utf8")));

/** Equal within 1e-9 of the value, or of 1 if that is larger. */
function expectSame(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
}

function expectInterval({ low, high }: Interval, [expectedLow, expectedHigh]: readonly [number, number]): void {
  expectSame(low, expectedLow);
  expectSame(high, expectedHigh);
}

function observe(values: readonly number[], clusters?: readonly string[]): Observation[] {
  return values.map((value, i) => ({ value, cluster: clusters?.[i] ?? String(i) }));
}

function rate(successes: number, trials: number): Observation[] {
  return observe(Array.from({ length: trials }, (_, i) => (i < successes ? 1 : 0)));
}

describe("equals scipy and statsmodels", () => {
  test("distributions and quantiles", () => {
    for (const [p, df, expected] of reference.studentQuantile) expectSame(studentQuantile(p, df), expected);
    for (const [t, df, expected] of reference.studentCdf) expectSame(studentCdf(t, df), expected);
    for (const [p, expected] of reference.normalQuantile) expectSame(normalQuantile(p), expected);
    for (const [z, expected] of reference.normalCdf) expectSame(normalCdf(z), expected);
    for (const [k, n, p, expected] of reference.binomialCdf) expectSame(binomialCdf(k, n, p), expected);
    for (const [x, a, b, expected] of reference.betaCdf) expectSame(betaCdf(x, a, b), expected);
    for (const [x, expected] of reference.logGamma) expectSame(logGamma(x), expected);
  });

  test.each([...reference.simple, ...reference.clustered])(
    "means, standard errors and Student's intervals %#",
    (one) => {
      const observations = observe(one.values, one.clusters);
      const { mean, standardError } = estimateMean(observations);
      expectSame(mean, one.mean);
      expectSame(standardError, one.standardError);
      expectInterval(studentInterval(observations), [one.low, one.high]);
    },
  );

  test("intervals of rates", () => {
    for (const { successes, trials, wilson, exact } of reference.proportions) {
      expectInterval(wilsonInterval(rate(successes, trials)), wilson);
      expectInterval(exactInterval(successes, trials), exact);
    }
  });

  test("with very many differences the sign permutations follow the normal distribution", () => {
    const differences = Array.from({ length: 30_000 }, (_, i) => ({ value: i < 15_150 ? 1 : -1 }));
    // z = 300 / sqrt(30,000), and the two-sided p-value of that z from a table.
    expect(pairedPermutationTest(differences, createRandom(1))).toBeCloseTo(0.083265, 5);
  });

  test("McNemar's exact test and sign permutations", () => {
    for (const [won, lost, p] of reference.mcnemar) expectSame(mcNemarExact(won, lost), p);
    for (const { values, p } of reference.permutation) {
      expectSame(pairedPermutationTest(observe(values), createRandom(1)), p);
    }
  });

  test("adjusted p-values", () => {
    for (const { p, holm, benjaminiHochberg } of reference.corrections) {
      for (const [i, adjusted] of adjustHolm(p).entries()) expectSame(adjusted, holm[i] ?? Number.NaN);
      for (const [i, adjusted] of adjustBenjaminiHochberg(p).entries())
        expectSame(adjusted, benjaminiHochberg[i] ?? Number.NaN);
    }
  });
});

describe("equals published examples", () => {
  /** Krippendorff (2011), part C: four observers, twelve units, missing values. */
  const ratings = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, undefined, undefined, undefined],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, undefined, 3],
    [undefined, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, undefined],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, undefined],
  ];
  const units = Array.from({ length: 12 }, (_, unit) =>
    ratings.map((observer) => observer[unit]).filter((value) => value !== undefined),
  );

  test.each([
    ["nominal", 0.743],
    ["ordinal", 0.815],
    ["interval", 0.849],
  ] as const)("Krippendorff's alpha, %s", (scale, expected) => {
    expect(krippendorffAlpha(units, scale)).toBeCloseTo(expected, 3);
  });

  test("alpha of ratings that can't be compared is no number", () => {
    expect(krippendorffAlpha([[1], [2]], "nominal")).toBeNaN();
    expect(krippendorffAlpha([[1, 1]], "interval")).toBeNaN();
  });
});

describe("repeated samples", () => {
  test("pass@k and pass^k equal the share over all choices of k samples", () => {
    for (let n = 1; n <= 7; n += 1) {
      for (let correct = 0; correct <= n; correct += 1) {
        for (let k = 1; k <= n; k += 1) {
          const choices = chooseAll(n, k);
          const share = (isCounted: (choice: readonly number[]) => boolean) =>
            choices.filter(isCounted).length / choices.length;
          expectSame(
            passAtK(n, correct, k),
            share((choice) => choice.some((i) => i < correct)),
          );
          expectSame(
            passAllK(n, correct, k),
            share((choice) => choice.every((i) => i < correct)),
          );
        }
      }
    }
    expect(passAtK(2, 1, 3)).toBeNaN();
  });
});

function chooseAll(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  return Array.from({ length: n - from }, (_, i) => i + from).flatMap((first) =>
    chooseAll(n, k - 1, first + 1).map((rest) => [first, ...rest]),
  );
}
