import { omitUndefined } from "#src/core/omit-undefined.ts";
import { compareScores, type ItemScore } from "#src/evaluation/compare/compare-scores.ts";
import type { Sample } from "#src/evaluation/sample.ts";
import type { Score } from "#src/evaluation/score.ts";
import type { ScoreRange } from "#src/evaluation/scorer.ts";
import { adjustHolm } from "#src/evaluation/statistics/corrections.ts";
import { type Interval, studentInterval, wilsonInterval } from "#src/evaluation/statistics/intervals.ts";
import { estimateMean, type Observation } from "#src/evaluation/statistics/mean.ts";
import { reduceScores } from "./reduce-scores.ts";
import type { Estimate, EvaluationFindings, GroupMetric, Metric, MetricComparison, MetricKey } from "./results.ts";

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
  readonly items: ItemScore[];
  /** Observations by group field and value. */
  readonly groups: Map<
    string,
    { readonly field: string; readonly value: string; readonly observations: Observation[] }
  >;
  unanswered: number;
  refused: number;
  unparseable: number;
  errors: number;
  firstError?: Metric["firstError"];
}

/** Collects scores item by item, and computes metrics of them. Keeps a number and a name per item and metric. */
export class Scoreboard {
  readonly #options: ScoreboardOptions;
  readonly #entries = new Map<string, MetricEntry>();

  constructor(options: ScoreboardOptions) {
    this.#options = options;
  }

  /** Adds all samples of one item, model, and prompt. */
  add(samples: readonly ScoredSample[]): void {
    const [first] = samples;
    if (first === undefined) return;
    const answered = samples.flatMap(({ scores }) => scores ?? []);
    for (const [scorer, range] of this.#options.scorers) {
      const entry = this.#findEntry(first.sample, scorer, range);
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
      else addValue(entry, first.sample, score.value);
    }
  }

  findings(): Omit<EvaluationFindings, "models"> {
    const entries = [...this.#entries.values()];
    return { metrics: entries.map((entry) => this.#toMetric(entry)), comparisons: this.#compare(entries) };
  }

  #findEntry({ dataset, prompt, model }: Sample, scorer: string, range: ScoreRange): MetricEntry {
    const key = { dataset, prompt, model, scorer };
    const name = JSON.stringify([dataset, prompt, model, scorer]);
    const known = this.#entries.get(name);
    if (known) return known;
    const counts = { unanswered: 0, refused: 0, unparseable: 0, errors: 0 };
    const entry = { key, range, items: [], groups: new Map(), ...counts };
    this.#entries.set(name, entry);
    return entry;
  }

  #toMetric({ key, range, items, groups, ...entry }: MetricEntry): Metric {
    const { unanswered, refused, unparseable, errors, firstError } = entry;
    const counts = omitUndefined({ unanswered, refused, unparseable, errors, firstError });
    const groupMetrics = [...groups.values()].map(
      ({ field, value, observations }): GroupMetric => ({ field, value, ...this.#estimate(observations) }),
    );
    return { ...key, range, ...this.#estimate(items.map(toObservation)), ...counts, groups: groupMetrics };
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
    const compared = entries.flatMap(({ key, range, items }) => {
      const other = entries.find(
        (entry) => entry.key.model === baseline && key.model !== baseline && isSameQuestion(entry.key, key),
      );
      if (other === undefined) return [];
      const comparison = compareScores(items, other.items, { confidence });
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

function addValue(entry: MetricEntry, { item, cluster, groups }: Sample, value: number): void {
  entry.items.push({ item, value, cluster: cluster === item ? undefined : cluster });
  for (const [field, group] of Object.entries(groups)) {
    const name = JSON.stringify([field, group]);
    const known = entry.groups.get(name) ?? { field, value: group, observations: [] };
    known.observations.push({ value, cluster });
    entry.groups.set(name, known);
  }
}

function addError(entry: MetricEntry, { item }: Sample, reason: string): void {
  entry.errors += 1;
  entry.firstError ??= { item, reason };
}

function toObservation({ item, value, cluster }: ItemScore): Observation {
  return { value, cluster: cluster === undefined ? `item ${item}` : `cluster ${cluster}` };
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
