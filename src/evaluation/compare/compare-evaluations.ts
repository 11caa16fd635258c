import { InputError } from "#src/core/failures/errors.ts";
import { reduceScores } from "#src/evaluation/results/reduce-scores.ts";
import type { MetricComparison } from "#src/evaluation/results/results.ts";
import type { StoredEvaluation, StoredRow } from "#src/evaluation/results/stored-evaluation.ts";
import type { ScoreRange } from "#src/evaluation/scorer.ts";
import { adjustHolm } from "#src/evaluation/statistics/corrections.ts";
import { compareScores, type ItemScore, type ScoreComparison } from "./compare-scores.ts";
import { type ModelPair, noteDifferences, pairDatasets, pairModels } from "./pair-evaluations.ts";

export interface CompareEvaluationsOptions {
  /** Label in the compared evaluations; by default each label that both have. */
  readonly model: string | undefined;
  /** Label in the baseline; by default the same. */
  readonly baselineModel: string | undefined;
  readonly allowDifferentDatasets: boolean;
}

/** A comparison of two evaluations: `model` of `dir` minus `baseline` of `baselineDir`. */
export interface EvaluationComparison extends MetricComparison {
  readonly dir: string;
  readonly baselineDir: string;
  readonly range: ScoreRange;
  /** On the compared items; null without any. */
  readonly mean: number | null;
  readonly baselineMean: number | null;
  /** Rows that both evaluations have, with or without scores, and rows that only one of them has. */
  readonly rows: { readonly common: number; readonly onlyBaseline: number; readonly onlyCompared: number };
  readonly groups: readonly GroupComparison[];
}

export interface GroupComparison {
  readonly field: string;
  readonly value: string;
  readonly items: number;
  readonly mean: number;
  readonly baselineMean: number;
  readonly difference: number;
  readonly pValue: number;
  /** Corrected for the number of groups in all comparisons (Holm). */
  readonly adjustedPValue: number;
}

export interface ComparedEvaluations {
  readonly comparisons: readonly EvaluationComparison[];
  /** Differences between the evaluations that the reader must know, one sentence each. */
  readonly notes: readonly string[];
}

type Rows = ReadonlyMap<string, StoredRow>;

/**
 * Compares evaluations with `baseline`, row by row. Throws an InputError if datasets differ and that is not allowed, or if nothing
 * can be compared.
 */
export function compareEvaluations(
  baseline: StoredEvaluation,
  others: readonly StoredEvaluation[],
  options: CompareEvaluationsOptions,
): ComparedEvaluations {
  const comparisons = others.flatMap((other) => {
    const datasets = pairDatasets(baseline, other, options.allowDifferentDatasets);
    return pairModels(baseline, other, options).flatMap((models) =>
      datasets.flatMap((pair) => compareModels(baseline, other, models, pair)),
    );
  });
  if (comparisons.length === 0)
    throw new InputError(
      "the evaluations have no dataset, prompt, and scorer in common, so that nothing can be compared",
    );
  return {
    comparisons: adjust(comparisons),
    notes: others.flatMap((other) => noteDifferences(baseline, other)),
  };
}

function compareModels(
  baseline: StoredEvaluation,
  other: StoredEvaluation,
  models: ModelPair,
  datasets: { readonly baseline: string; readonly compared: string },
): EvaluationComparison[] {
  const prompts = other.results.prompts.filter(({ name }) => baseline.results.prompts.some((p) => p.name === name));
  const scorers = Object.keys(other.results.scorers).filter((name) => Object.hasOwn(baseline.results.scorers, name));
  return prompts.flatMap(({ name: prompt }) => {
    const first = other.rows.find(datasets.compared, prompt, models.compared);
    const second = baseline.rows.find(datasets.baseline, prompt, models.baseline);
    return scorers.map((scorer) => {
      const score = (rows: Rows, { results }: StoredEvaluation) => toItemScores(rows, second, scorer, results.reduce);
      const [scores, baselineScores] = [score(first, other), score(second, baseline)];
      const { confidence } = baseline.results;
      const comparison = compareScores(scores, baselineScores, { confidence });
      const { pairs, difference, interval, pValue, test, won, lost, tied, itemsNeeded = null } = comparison;
      const common = [...first.keys()].filter((item) => second.has(item)).length;
      return {
        ...{ dir: other.dir, model: models.compared, baselineDir: baseline.dir, baseline: models.baseline },
        ...{ dataset: datasets.compared, prompt, scorer },
        range: other.results.metrics.find((metric) => metric.scorer === scorer)?.range ?? "number",
        items: pairs,
        ...toMeans(comparison),
        difference: pairs === 0 ? 0 : difference,
        interval: Number.isFinite(interval.low) && Number.isFinite(interval.high) ? interval : null,
        ...{ pValue, adjustedPValue: pValue, test, won, lost, tied, itemsNeeded },
        rows: { common, onlyBaseline: second.size - common, onlyCompared: first.size - common },
        groups: compareGroups(scores, baselineScores, second, confidence),
      };
    });
  });
}

function toMeans({ pairs, meanFirst, meanSecond }: ScoreComparison) {
  return pairs === 0 ? { mean: null, baselineMean: null } : { mean: meanFirst, baselineMean: meanSecond };
}

/** Clusters are those of the baseline: a spec may have got a cluster field since. */
function toItemScores(rows: Rows, baseline: Rows, scorer: string, reduction: string): ItemScore[] {
  return [...rows].flatMap(([item, row]) => {
    const score = reduceScores(row.scores.get(scorer) ?? [], reduction);
    const { cluster } = baseline.get(item) ?? row;
    return score.status === "scored"
      ? [{ item, value: score.value, cluster: cluster === item ? undefined : cluster }]
      : [];
  });
}

function compareGroups(
  scores: readonly ItemScore[],
  baselineScores: readonly ItemScore[],
  baseline: Rows,
  confidence: number,
): GroupComparison[] {
  const compared = new Set(scores.map(({ item }) => item));
  const items = baselineScores.map(({ item }) => item).filter((item) => compared.has(item));
  const byGroup = Map.groupBy(
    items.flatMap((item) =>
      Object.entries(baseline.get(item)?.groups ?? {}).map(([field, value]) => ({ item, field, value })),
    ),
    ({ field, value }) => JSON.stringify([field, value]),
  );
  return [...byGroup.values()].flatMap((members) => {
    const ids = new Set(members.map(({ item }) => item));
    const inGroup = (list: readonly ItemScore[]) => list.filter(({ item }) => ids.has(item));
    const { pairs, meanFirst, meanSecond, difference, pValue } = compareScores(
      inGroup(scores),
      inGroup(baselineScores),
      { confidence },
    );
    return members.slice(0, 1).map(({ field, value }) => ({
      ...{ field, value, items: pairs, mean: meanFirst, baselineMean: meanSecond },
      ...{ difference, pValue, adjustedPValue: pValue },
    }));
  });
}

/** Corrects the comparisons for their number, and the groups of all comparisons for theirs. */
function adjust(comparisons: readonly EvaluationComparison[]): EvaluationComparison[] {
  const adjusted = adjustHolm(comparisons.map(({ pValue }) => pValue));
  const groups = adjustHolm(comparisons.flatMap((comparison) => comparison.groups.map(({ pValue }) => pValue)))[
    Symbol.iterator
  ]();
  return comparisons.map((comparison, i) => ({
    ...comparison,
    adjustedPValue: adjusted[i] ?? comparison.pValue,
    groups: comparison.groups.map((group) => ({ ...group, adjustedPValue: groups.next().value ?? group.pValue })),
  }));
}
