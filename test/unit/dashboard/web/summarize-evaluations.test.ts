import { expect, test } from "vitest";
import type { EvaluationScore, EvaluationView } from "#src/dashboard/evaluations/evaluation-api.ts";
import { buildMatrix, buildTrends } from "#src/dashboard/web/evaluations/summarize-evaluations.ts";

function createScore(model: string, mean: number | null, changes: Partial<EvaluationScore> = {}): EvaluationScore {
  const counts = { items: 10, unparseable: 0, unanswered: 0, errors: 0 };
  const about = { dataset: "q", datasetHash: "aa", prompt: "default", scorer: "accuracy", range: "binary" } as const;
  return { ...about, model, mean, interval: null, ...counts, ...changes };
}

function createEvaluation(run: string, scoredAt: number, scores: readonly EvaluationScore[]): EvaluationView {
  return {
    run,
    name: run,
    folder: run,
    scoredAt,
    models: [...new Set(scores.map(({ model }) => model))],
    samples: 10,
    scores,
  };
}

const old = createEvaluation("old", 1, [createScore("a", 0.5), createScore("b", 0.6)]);
const latest = createEvaluation("new", 2, [createScore("a", 0.7), createScore("c", null)]);

test("the matrix has the latest score of each model, and says which evaluation it is from", () => {
  const { models, rows } = buildMatrix([latest, old]);
  expect(models).toEqual(["a", "c", "b"]);
  expect(rows).toHaveLength(1);
  expect(rows[0]?.cells.map((cell) => cell && [cell.evaluation.run, cell.score.mean])).toEqual([
    ["new", 0.7],
    ["new", null],
    ["old", 0.6],
  ]);
});

test("trends are oldest first, with gaps where a model was not asked", () => {
  expect(buildTrends([latest, old])).toMatchObject([
    {
      at: [1, 2],
      lines: [
        { model: "a", values: [0.5, 0.7] },
        { model: "b", values: [0.6, null] },
      ],
    },
  ]);
  expect(buildTrends([latest])).toEqual([]);
});

test("scores of other contents of a dataset are not mixed", () => {
  const changed = createEvaluation("changed", 3, [createScore("a", 0.9, { datasetHash: "bb" })]);
  const { rows } = buildMatrix([changed, latest]);
  expect(rows.map(({ question }) => [question.datasetHash, question.hasOtherContents])).toEqual([
    ["bb", true],
    ["aa", true],
  ]);
  expect(buildTrends([changed, latest])).toEqual([]);
});
