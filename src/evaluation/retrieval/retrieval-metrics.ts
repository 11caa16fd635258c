import { type Interval, studentInterval } from "#src/evaluation/statistics/intervals.ts";
import { meanOf } from "#src/evaluation/statistics/mean.ts";

/** How relevant documents are to one query, by their ids; 0 is not relevant. */
export type Judgements = ReadonlyMap<string, number>;

export interface RankingScores {
  /** Share of the relevant documents that are among the first k. */
  readonly recall: number;
  /** 1 divided by the rank of the first relevant document, 0 if none is among the first k. */
  readonly reciprocalRank: number;
  /** Normalized discounted cumulative gain of the first k, with the grades as gains, as trec_eval's ndcg_cut. */
  readonly ndcg: number;
}

/** Scores the first k documents of a ranking; undefined if no document is relevant to the query. */
export function scoreRanking(ranking: readonly string[], judgements: Judgements, k: number): RankingScores | undefined {
  const grades = [...judgements.values()].filter((grade) => grade > 0).sort((a, b) => b - a);
  if (grades.length === 0) return undefined;
  const gains = ranking.slice(0, k).map((id) => Math.max(0, judgements.get(id) ?? 0));
  const first = gains.findIndex((gain) => gain > 0);
  return {
    recall: gains.filter((gain) => gain > 0).length / grades.length,
    reciprocalRank: first < 0 ? 0 : 1 / (first + 1),
    ndcg: discount(gains) / discount(grades.slice(0, k)),
  };
}

function discount(gains: readonly number[]): number {
  return gains.reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0);
}

export interface RetrievalMetric {
  readonly name: string;
  readonly mean: number;
  /** NaN at both ends with fewer than two queries. */
  readonly interval: Interval;
}

/** Means over queries with Student's intervals: recall@k, MRR@k, and nDCG@k. */
export function summarizeRankings(scores: readonly RankingScores[], k: number, confidence: number): RetrievalMetric[] {
  const metrics = [
    ["recall", scores.map(({ recall }) => recall)],
    ["MRR", scores.map(({ reciprocalRank }) => reciprocalRank)],
    ["nDCG", scores.map(({ ndcg }) => ndcg)],
  ] as const;
  return metrics.map(([name, values]) => ({
    name: `${name}@${k}`,
    mean: meanOf(values),
    interval: studentInterval(
      values.map((value) => ({ value })),
      confidence,
    ),
  }));
}
