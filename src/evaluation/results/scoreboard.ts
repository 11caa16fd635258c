import { omitUndefined } from "#src/core/omit-undefined.ts";
import { comparePairs, type ScorePair } from "#src/evaluation/compare/compare-scores.ts";
import type { Sample } from "#src/evaluation/sample.ts";
import type { Score } from "#src/evaluation/score.ts";
import type { ScoreRange } from "#src/evaluation/scorer.ts";
import { adjustHolm } from "#src/evaluation/statistics/corrections.ts";
import { type Interval, studentInterval, wilsonInterval } from "#src/evaluation/statistics/intervals.ts";
import { estimateMean, type Observation } from "#src/evaluation/statistics/mean.ts";
import { NumberColumn } from "./number-column.ts";
import { reduceScores } from "./reduce-scores.ts";
import type { Estimate, EvaluationFindings, GroupMetric, Metric, MetricComparison, MetricKey } from "./results.ts";
import { type GroupColumn, ScoredItems } from "./scored-items.ts";

export interface ScoreboardOptions {
  /** The ranges of the scorers, by name. */
  readonly scorers: ReadonlyMap<string, ScoreRange>;
  readonly reduction: string;
  readonly baseline: string | undefined;
  readonly confidence: number;
}

/** A sample, and its scores by scorer; without scores if it was not answered. */
export interface ScoredSample {
  readonly sample: Sample;
  readonly scores: ReadonlyMap<string, Score> | undefined;
}

interface MetricEntry {
  readonly key: MetricKey;
  readonly range: ScoreRange;
  readonly items: ScoredItems;
  /** By the index of the item. */
  readonly values: NumberColumn;
  unanswered: number;
  refused: number;
  unparseable: number;
  errors: number;
  firstError?: Metric["firstError"];
}

/** Collects scores item by item, and computes metrics of them. Keeps a number per item and metric. */
export class Scoreboard {
  readonly #options: ScoreboardOptions;
  /** By dataset. */
  readonly #items = new Map<string, ScoredItems>();
  readonly #entries = new Map<string, MetricEntry>();

  constructor(options: ScoreboardOptions) {
    this.#options = options;
  }

  /** Adds all samples of one item, model, and prompt. All models and prompts of an item must come before the next item. */
  add(samples: readonly ScoredSample[]): void {
    const [first] = samples;
    if (first === undefined) return;
    const items = this.#findItems(first.sample);
    const index = items.indexOf(first.sample);
    const answered = samples.flatMap(({ scores }) => scores ?? []);
    for (const [scorer, range] of this.#options.scorers) {
      const entry = this.#findEntry(first.sample, { scorer, range, items });
      if (answered.length === 0) {
        entry.unanswered += 1;
        if (samples.some(({ sample }) => sample.output.status === "refused")) entry.refused += 1;
        continue;
      }
      const score = reduceScores(
        answered.flatMap((scores) => scores.get(scorer) ?? []),
        this.#options.reduction,
      );
      if (score.status === "unparseable") entry.unparseable += 1;
      else if (score.status === "error") addError(entry, first.sample, score.explanation);
      else entry.values.set(index, score.value);
    }
  }

  findings(): Omit<EvaluationFindings, "models"> {
    const entries = [...this.#entries.values()];
    return { metrics: entries.map((entry) => this.#toMetric(entry)), comparisons: this.#compare(entries) };
  }

  #findItems({ dataset }: Sample): ScoredItems {
    const items = this.#items.get(dataset) ?? new ScoredItems();
    this.#items.set(dataset, items);
    return items;
  }

  #findEntry(
    { dataset, prompt, model }: Sample,
    { scorer, range, items }: { readonly scorer: string; readonly range: ScoreRange; readonly items: ScoredItems },
  ): MetricEntry {
    const key = { dataset, prompt, model, scorer };
    const name = JSON.stringify([dataset, prompt, model, scorer]);
    const known = this.#entries.get(name);
    if (known) return known;
    const counts = { unanswered: 0, refused: 0, unparseable: 0, errors: 0 };
    const entry = { key, range, items, values: new NumberColumn(), ...counts };
    this.#entries.set(name, entry);
    return entry;
  }

  #toMetric(entry: MetricEntry): Metric {
    const { unanswered, refused, unparseable, errors, firstError } = entry;
    const counts = omitUndefined({ unanswered, refused, unparseable, errors, firstError });
    const groups = [...entry.items.groups].flatMap(([field, column]) => this.#estimateGroups(entry, field, column));
    return { ...entry.key, range: entry.range, ...this.#estimate(listObservations(entry)), ...counts, groups };
  }

  #estimateGroups(entry: MetricEntry, field: string, { values, numbers }: GroupColumn): GroupMetric[] {
    const byNumber = Map.groupBy(listObservations(entry), ({ index }) => numbers.get(index));
    return [...values].flatMap(([value, number]) => {
      const observations = byNumber.get(number);
      return observations === undefined ? [] : [{ field, value, ...this.#estimate(observations) }];
    });
  }

  /** Wilson's interval for right and wrong, otherwise Student's. */
  #estimate(observations: readonly Observation[]): Estimate {
    const { confidence } = this.#options;
    const { mean, standardError, count } = estimateMean(observations);
    const isRate = observations.every(({ value }) => value === 0 || value === 1);
    const interval = (isRate ? wilsonInterval : studentInterval)(observations, confidence);
    return {
      items: count,
      mean: finiteOrNull(mean),
      standardError: finiteOrNull(standardError),
      interval: toFiniteInterval(interval),
    };
  }

  #compare(entries: readonly MetricEntry[]): MetricComparison[] {
    const { baseline, confidence } = this.#options;
    if (baseline === undefined) return [];
    const compared = entries.flatMap((entry) => {
      const { key, range } = entry;
      const other = entries.find(
        (each) => each.key.model === baseline && key.model !== baseline && isSameQuestion(each.key, key),
      );
      if (other === undefined) return [];
      const comparison = comparePairs(listPairs(entry, other), { confidence });
      return comparison.pairs === 0 ? [] : [{ key, range, comparison }];
    });
    const adjusted = adjustHolm(compared.map(({ comparison }) => comparison.pValue));
    return compared.map(({ key, range, comparison }, i) => {
      const { pairs, difference, interval, pValue, test, won, lost, tied, itemsNeeded = null } = comparison;
      return {
        ...key,
        range,
        baseline,
        items: pairs,
        difference,
        interval: toFiniteInterval(interval),
        pValue,
        adjustedPValue: adjusted[i] ?? pValue,
        ...{ test, won, lost, tied, itemsNeeded },
      };
    });
  }
}

interface ItemObservation extends Observation {
  readonly index: number;
}

/** The values of the items that have one. */
function listObservations({ items, values }: MetricEntry): ItemObservation[] {
  const observations: ItemObservation[] = [];
  for (let index = 0; index < items.count; index += 1) {
    const value = values.get(index);
    if (!Number.isNaN(value)) observations.push({ index, value, cluster: items.clusterOf(index) });
  }
  return observations;
}

/** The items for which both have a value. */
function listPairs({ items, values }: MetricEntry, other: MetricEntry): ScorePair[] {
  const pairs: ScorePair[] = [];
  for (let index = 0; index < items.count; index += 1) {
    const [first, second] = [values.get(index), other.values.get(index)];
    if (!(Number.isNaN(first) || Number.isNaN(second))) pairs.push({ first, second, cluster: items.clusterOf(index) });
  }
  return pairs;
}

function addError(entry: MetricEntry, { item }: Sample, reason: string): void {
  entry.errors += 1;
  entry.firstError ??= { item, reason };
}

function isSameQuestion(a: MetricKey, b: MetricKey): boolean {
  return a.dataset === b.dataset && a.prompt === b.prompt && a.scorer === b.scorer;
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function toFiniteInterval(interval: Interval): Interval | null {
  return Number.isFinite(interval.low) && Number.isFinite(interval.high) ? interval : null;
}
