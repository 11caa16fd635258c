import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Score, scored, unparseable } from "#src/evaluation/score.ts";
import { PreviousScores } from "#src/producer/run-kinds/evaluation/previous-scores.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-previous-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Compares the scores of samples "0", "1", ... before and after; undefined stands for an unanswered sample. */
async function compare(pairs: readonly (readonly [Record<string, Score> | undefined, Record<string, Score>?])[]) {
  const path = join(dir, "samples.jsonl");
  // A line separator is part of a text, and not the end of a line.
  writeFileSync(path, pairs.map(([scores]) => `${JSON.stringify({ text: "a\u2028b", scores })}\n`).join(""));
  const previous = PreviousScores.open(path);
  for (const [i, [, scores]] of pairs.entries())
    await previous?.compare(`${i}`, scores && new Map(Object.entries(scores)));
  await previous?.close();
  return previous?.changes();
}

test("changes name the sample, the scorer, and both scores", async () => {
  const changes = await compare([
    [
      { exact: scored(1), f1: scored(0.5) },
      { exact: scored(0), f1: scored(0.5, "other") },
    ],
    [
      { exact: unparseable("none"), f1: scored(1) },
      { exact: scored(1), f1: scored(1) },
    ],
    [undefined, { exact: scored(1), f1: scored(1) }],
    [{ exact: scored(1), f1: scored(1) }, undefined],
    [
      { exact: scored(1), f1: scored(1) },
      { exact: scored(1), f1: scored(1) },
    ],
  ]);
  expect(changes).toEqual({
    changed: 4,
    first: [
      { id: "0", scorer: "exact", before: 1, after: 0 },
      { id: "1", scorer: "exact", before: "unparseable", after: 1 },
      { id: "2", scorer: "exact", before: "no answer", after: 1 },
      { id: "2", scorer: "f1", before: "no answer", after: 1 },
      { id: "3", scorer: "exact", before: 1, after: "no answer" },
      { id: "3", scorer: "f1", before: 1, after: "no answer" },
    ],
    added: [],
  });
});

test("a new scorer is named once, and changes no sample", async () => {
  const changes = await compare([
    [{ exact: scored(1) }, { exact: scored(1), f1: scored(1) }],
    [{ exact: scored(0) }, { exact: scored(0), f1: scored(0) }],
  ]);
  expect(changes).toEqual({ changed: 0, first: [], added: ["f1"] });
});

test("without an earlier scoring there is nothing to compare with", () => {
  expect(PreviousScores.open(join(dir, "missing.jsonl"))).toBeUndefined();
});
