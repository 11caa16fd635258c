import { expect, test } from "vitest";
import { filterRows, type RowFilter } from "#src/dashboard/web/report/filter-rows.ts";
import { listVariants, RowMerger } from "#src/dashboard/web/report/report-rows.ts";
import type { ReportAnswer, ReportHead } from "#src/evaluation/report/report-data.ts";

type Results = ReportHead["evaluations"][number]["results"];

function createHead(folders: readonly string[], models: readonly string[]): ReportHead {
  const results = {
    ...{ reduce: "mean", scorers: { accuracy: { type: "exact" } }, prompts: [{ name: "default", sha256: "" }] },
    models: models.map((label) => ({ label })),
  } as unknown as Results;
  const evaluations = folders.map((folder) => ({ folder, results }));
  return {
    createdAt: "",
    sluice: "",
    language: undefined,
    evaluations,
    compared: undefined,
    rows: { total: 0, included: 0 },
  };
}

const scored = (model: string, value: number, text = ""): ReportAnswer => ({
  ...{ model, prompt: "default", sample: 1, status: "answered", text },
  scores: { accuracy: { status: "scored", value } },
});
const unread = (model: string): ReportAnswer => ({
  ...{ model, prompt: "default", sample: 1, status: "answered", text: "?" },
  scores: { accuracy: { status: "unparseable", explanation: "no number" } },
});
const ended = (model: string, status: "refused" | "failed"): ReportAnswer => ({
  ...{ model, prompt: "default", sample: 1, status, reason: "a reason" },
});

const EVERYTHING: RowFilter = {
  ...{ text: "", scorer: "accuracy", outcome: "any", order: "dataset" },
  ...{ variant: undefined, dataset: undefined, group: undefined },
};

function createRows() {
  const head = createHead(["out"], ["a", "b"]);
  const merger = new RowMerger(head, listVariants(head));
  const add = (item: string, topic: string, answers: readonly ReportAnswer[]) =>
    merger.add({
      ...{ evaluation: 0, dataset: "d", item, targets: ["7"], groups: { topic } },
      ...{ questions: { default: `Question of ${item}?` }, answers },
    });
  add("right", "x", [scored("a", 1, "Seven apples"), scored("b", 1)]);
  add("differs", "x", [scored("a", 1), scored("b", 0, "Eight")]);
  add("wrong", "y", [scored("a", 0), scored("b", 0)]);
  add("unread", "y", [unread("a"), scored("b", 1)]);
  add("refused", "y", [ended("a", "refused"), scored("b", 1)]);
  add("failed", "y", [scored("a", 1), ended("b", "failed")]);
  return merger.rows;
}

const list = (filter: Partial<RowFilter>) =>
  filterRows(createRows(), { ...EVERYTHING, ...filter }).map(({ item }) => item);

test("filters by the outcome of any variant or of a chosen one", () => {
  expect(list({})).toHaveLength(6);
  expect(list({ outcome: "low" })).toEqual(["differs", "wrong"]);
  expect(list({ outcome: "low", variant: 0 })).toEqual(["wrong"]);
  expect(list({ outcome: "high", variant: 1 })).toEqual(["right", "unread", "refused"]);
  expect(list({ outcome: "differ" })).toEqual(["differs"]);
  expect(list({ outcome: "unparseable" })).toEqual(["unread"]);
  expect(list({ outcome: "refused" })).toEqual(["refused"]);
  expect(list({ outcome: "failed", variant: 0 })).toEqual([]);
});

test("finds all words anywhere in a row, in any case", () => {
  expect(list({ text: "APPLES seven" })).toEqual(["right"]);
  expect(list({ text: "question of wrong?" })).toEqual(["wrong"]);
  expect(list({ text: "  " })).toHaveLength(6);
  expect(list({ group: { field: "topic", value: "x" } })).toEqual(["right", "differs"]);
});

test("sorts by mean score and by disagreement", () => {
  expect(list({ order: "worst" }).slice(0, 2)).toEqual(["wrong", "differs"]);
  expect(list({ order: "disagreement" })[0]).toBe("differs");
});

test("joins the rows of several evaluations, also if one lacks a row", () => {
  const head = createHead(["before", "after"], ["a"]);
  const variants = listVariants(head);
  expect(variants.map(({ label }) => label)).toEqual(["a · before", "a · after"]);
  const merger = new RowMerger(head, variants);
  const row = { dataset: "d", targets: [], groups: {}, questions: {} };
  merger.add({ ...row, evaluation: 0, item: "1", answers: [scored("a", 1)] });
  merger.add({ ...row, evaluation: 0, item: "2", answers: [scored("a", 1)] });
  merger.add({ ...row, evaluation: 1, item: "1", answers: [scored("a", 0)] });
  expect(merger.rows.map(({ item, cells }) => [item, cells.get("accuracy")?.map(({ outcome }) => outcome)])).toEqual([
    ["1", ["scored", "scored"]],
    ["2", ["scored", "missing"]],
  ]);
});
