import { expect, test } from "vitest";
import { Scoreboard } from "#src/evaluation/results/scoreboard.ts";
import type { Sample, SampleOutput } from "#src/evaluation/sample.ts";
import { type Score, scored, scoringError, unparseable } from "#src/evaluation/score.ts";

const ANSWERED: SampleOutput = { status: "answered", text: "an answer", finishReason: "stop" };
const REFUSED: SampleOutput = { status: "refused", reason: "refused by the model" };

function createSample(item: string, model: string, output: SampleOutput, more: Partial<Sample> = {}): Sample {
  const common = { dataset: "d", prompt: "default", number: 1, targets: [], fields: {} };
  return { item, model, cluster: item, groups: {}, output, ...common, ...more };
}

function createBoard(baseline?: string): Scoreboard {
  return new Scoreboard({
    scorers: new Map([["accuracy", "binary" as const]]),
    reduction: "mean",
    baseline,
    confidence: 0.95,
  });
}

function add(board: Scoreboard, sample: Sample, score?: Score): void {
  board.add([{ sample, scores: score && new Map([["accuracy", score]]) }]);
}

test("what has no score is counted, and does not lower the mean", () => {
  const board = createBoard();
  const scores = [scored(1), scored(1), scored(0), unparseable("no number"), scoringError("no target")];
  for (const [i, score] of scores.entries()) add(board, createSample(`${i}`, "m", ANSWERED), score);
  add(board, createSample("refused", "m", REFUSED));
  add(board, createSample("failed", "m", { status: "failed", reason: "server: HTTP 500" }));
  const [metric] = board.findings().metrics;
  expect(metric).toMatchObject({ items: 3, unparseable: 1, errors: 1, unanswered: 2, refused: 1 });
  expect(metric?.firstError).toEqual({ item: "4", reason: "no target" });
  expect(metric?.mean).toBeCloseTo(2 / 3, 12);
  // Wilson's interval for 2 of 3, computed by hand.
  expect(metric?.interval?.low).toBeCloseTo(0.20766, 4);
  expect(metric?.interval?.high).toBeCloseTo(0.93851, 4);
});

test("a metric without any score is reported without numbers", () => {
  const board = createBoard();
  add(board, createSample("1", "m", REFUSED));
  expect(board.findings().metrics).toMatchObject([
    { items: 0, mean: null, standardError: null, interval: null, unanswered: 1 },
  ]);
});

test("models are compared with the baseline on the items that both have a score for", () => {
  const board = createBoard("old");
  for (let i = 0; i < 20; i += 1) {
    add(board, createSample(`${i}`, "old", ANSWERED), scored(i < 10 ? 1 : 0));
    add(board, createSample(`${i}`, "new", ANSWERED), i === 19 ? unparseable("no number") : scored(i < 18 ? 1 : 0));
  }
  const { comparisons } = board.findings();
  expect(comparisons).toMatchObject([
    { model: "new", baseline: "old", items: 19, won: 8, lost: 0, tied: 11, test: "mcnemar" },
  ]);
  expect(comparisons[0]?.difference).toBeCloseTo(8 / 19, 12);
  // Two-sided exact McNemar test for 8 against 0.
  expect(comparisons[0]?.pValue).toBeCloseTo(2 / 2 ** 8, 12);
  expect(comparisons[0]?.adjustedPValue).toBeCloseTo(2 / 2 ** 8, 12);
});

test("clusters widen the interval, and groups have means of their own", () => {
  const [plain, clustered] = [createBoard(), createBoard()];
  for (let i = 0; i < 40; i += 1) {
    const right = scored(Math.floor(i / 10) % 2);
    const groups = { level: i < 20 ? "easy" : "hard" };
    add(plain, createSample(`${i}`, "m", ANSWERED, { groups }), right);
    add(clustered, createSample(`${i}`, "m", ANSWERED, { groups, cluster: `text ${Math.floor(i / 10)}` }), right);
  }
  const width = (board: Scoreboard) => {
    const interval = board.findings().metrics[0]?.interval;
    return (interval?.high ?? 0) - (interval?.low ?? 0);
  };
  expect(width(clustered)).toBeGreaterThan(width(plain) * 1.5);
  expect(plain.findings().metrics[0]?.groups).toMatchObject([
    { field: "level", value: "easy", items: 20, mean: 0.5 },
    { field: "level", value: "hard", items: 20, mean: 0.5 },
  ]);
});

test("a hundred thousand items with a thousand groups need a few bytes each", () => {
  const board = createBoard("old");
  for (let i = 0; i < 100_000; i += 1)
    for (const model of ["old", "new"])
      add(board, createSample(`${i}`, model, ANSWERED, { groups: { topic: `${i % 1_000}` } }), scored(i % 2));
  const { metrics, comparisons } = board.findings();
  expect(metrics).toMatchObject([
    { items: 100_000, mean: 0.5 },
    { items: 100_000, mean: 0.5 },
  ]);
  expect(metrics[0]?.groups).toHaveLength(1_000);
  expect(metrics[0]?.groups[7]).toMatchObject({ value: "7", items: 100, mean: 1 });
  expect(comparisons).toMatchObject([{ items: 100_000, difference: 0, tied: 100_000 }]);
});

test("several samples of an item become one score", () => {
  const board = createBoard();
  board.add(
    [1, 0, 1, 1].map((value, i) => ({
      sample: createSample("1", "m", ANSWERED, { number: i + 1 }),
      scores: new Map([["accuracy", scored(value)]]),
    })),
  );
  expect(board.findings().metrics).toMatchObject([{ items: 1, mean: 0.75 }]);
});
