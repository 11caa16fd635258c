import type { EvaluationScore, EvaluationView } from "#src/dashboard/evaluations/evaluation-api.ts";

/** What a score is about, apart from the model. */
export interface Question extends Pick<EvaluationScore, "dataset" | "datasetHash" | "prompt" | "scorer" | "range"> {
  readonly key: string;
  /** Another question has the same dataset's name, but other contents. */
  readonly hasOtherContents: boolean;
}

export interface MatrixCell {
  readonly evaluation: EvaluationView;
  readonly score: EvaluationScore;
}

/** The latest score of every model for every question. */
export interface ScoreMatrix {
  readonly models: readonly string[];
  readonly rows: readonly { readonly question: Question; readonly cells: readonly (MatrixCell | undefined)[] }[];
}

/** How the scores of a question developed, oldest first; null where an evaluation did not have the model. */
export interface ScoreTrend {
  readonly question: Question;
  readonly at: readonly number[];
  readonly lines: readonly { readonly model: string; readonly values: readonly (number | null)[] }[];
}

/** The questions and models of all evaluations, in the order of the newest ones. Pure. */
export function buildMatrix(newestFirst: readonly EvaluationView[]): ScoreMatrix {
  const models = [...new Set(newestFirst.flatMap((evaluation) => evaluation.models))];
  const rows = listQuestions(newestFirst).map((question) => ({
    question,
    cells: models.map((model) => findCells(newestFirst, question, model).next().value ?? undefined),
  }));
  return { models, rows };
}

/** The questions that several evaluations have. Pure. */
export function buildTrends(newestFirst: readonly EvaluationView[]): ScoreTrend[] {
  const oldestFirst = newestFirst.toReversed();
  return listQuestions(newestFirst).flatMap((question) => {
    const asked = oldestFirst.filter(({ scores }) => scores.some((score) => toKey(score) === question.key));
    if (asked.length < 2) return [];
    const models = [...new Set(newestFirst.flatMap((evaluation) => evaluation.models))];
    const lines = models.map((model) => ({
      model,
      values: asked.map((evaluation) => findCells([evaluation], question, model).next().value?.score.mean ?? null),
    }));
    return {
      question,
      at: asked.map(({ scoredAt }) => scoredAt),
      lines: lines.filter(({ values }) => values.some((value) => value !== null)),
    };
  });
}

function listQuestions(evaluations: readonly EvaluationView[]): Question[] {
  const scores = new Map(evaluations.flatMap(({ scores }) => scores.map((score) => [toKey(score), score] as const)));
  const contents = Map.groupBy(scores.values(), ({ dataset }) => dataset);
  return [...scores].map(([key, { dataset, datasetHash, prompt, scorer, range }]) => ({
    ...{ key, dataset, datasetHash, prompt, scorer, range },
    hasOtherContents: contents.get(dataset)?.some((other) => other.datasetHash !== datasetHash) ?? false,
  }));
}

function* findCells(
  evaluations: readonly EvaluationView[],
  { key }: Question,
  model: string,
): Generator<MatrixCell, undefined> {
  for (const evaluation of evaluations)
    for (const score of evaluation.scores)
      if (score.model === model && toKey(score) === key) yield { evaluation, score };
  return undefined;
}

function toKey({ dataset, datasetHash, prompt, scorer }: EvaluationScore): string {
  return JSON.stringify([dataset, datasetHash, prompt, scorer]);
}
