import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Item } from "#src/core/item.ts";
import { planEvaluation } from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import { readSpec, type SpecOverrides } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { createRegistry } from "#src/providers/registry.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-eval-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const ROWS = [
  { id: "a", question: "1 + 1?", answer: "It is 2. #### 2", topic: "sums", n: 12345678901234567890n },
  { id: "b", question: "2 + 3?", answer: "#### 5", topic: "sums" },
  { id: "c", question: "3 * 3?", answer: "#### 9", topic: "products" },
];

const SPEC = {
  datasets: [{ path: "rows.jsonl", target: "{{ answer | split: '#### ' | last }}", groups: ["topic"] }],
  prompts: [{ user: "{{ question }}" }],
  models: ["zhipu/glm-4-plus"],
  scorers: { accuracy: "exact" },
};

function toLine(row: object): string {
  return JSON.stringify(row, (_, value) => (typeof value === "bigint" ? JSON.rawJSON(String(value)) : value));
}

async function plan(spec: object, rows: readonly object[] = ROWS, overrides: SpecOverrides = {}, skipInvalid = false) {
  writeFileSync(join(dir, "rows.jsonl"), rows.map((row) => `${toLine(row)}\n`).join(""));
  writeFileSync(join(dir, "spec.yaml"), JSON.stringify(spec));
  const registry = createRegistry();
  const target = mkdtempSync(join(dir, "run-"));
  mkdirSync(target, { recursive: true });
  const source = {
    spec: readSpec(join(dir, "spec.yaml"), { registry, ...overrides }),
    registry,
    skipInvalid,
    cwd: dir,
  };
  const planned = await planEvaluation(source, target);
  const items: Item[] = [];
  if (planned.isAccepted) for await (const block of readItems(target)) items.push(...block);
  return { planned, items };
}

test("every row becomes a sample per model, prompt, and number; those of a row are adjacent", async () => {
  const models = ["zhipu/glm-4-plus", { model: "zhipu/glm-4-plus", label: "cold", parameters: { temperature: 0 } }];
  const prompts = [
    { name: "plain", user: "{{ question }}" },
    { name: "short", user: "Short: {{ question }}" },
  ];
  const { planned, items } = await plan({ ...SPEC, models, prompts, samples: 2 });
  expect(planned.datasets).toMatchObject([
    {
      name: "rows",
      items: 3,
      bytes: statSync(join(dir, "rows.jsonl")).size,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ]);
  expect(items.map(({ id }) => id).slice(0, 5)).toEqual([
    "a | zhipu/glm-4-plus | plain | 1",
    "a | zhipu/glm-4-plus | plain | 2",
    "a | cold | plain | 1",
    "a | cold | plain | 2",
    "a | zhipu/glm-4-plus | short | 1",
  ]);
  expect(items).toHaveLength(24);
  expect(items[2]?.metadata).toMatchObject({
    ...{ model: "zhipu/glm-4-plus", label: "cold", dataset: "rows", item: "a", prompt: "plain", sample: 1 },
    targets: ["2"],
    groups: { topic: "sums" },
    // More digits than a number has.
    fields: { question: "1 + 1?", n: "12345678901234567890" },
  });
  expect(JSON.parse(items[2]?.text ?? "")).toMatchObject({
    messages: [{ role: "user", content: "1 + 1?" }],
    temperature: 0,
  });
});

test("samples of one row are never duplicates of each other; equal deterministic requests are", async () => {
  const cold = [{ model: "zhipu/glm-4-plus", parameters: { temperature: 0 } }];
  const rows = [
    { question: "Same?", answer: "1" },
    { question: "Same?", answer: "2" },
  ];
  const spec = { ...SPEC, datasets: [{ path: "rows.jsonl", target: "answer" }], samples: 2 };
  const { items } = await plan({ ...spec, models: cold }, rows);
  expect(items.map(({ duplicateOf }) => duplicateOf)).toEqual([undefined, undefined, 0, 1]);
  expect((await plan(spec, rows)).planned.duplicates).toBe(0);
});

test("rows that cannot be asked are reported by file and line, and left out for all models", async () => {
  const rows = [...ROWS, { id: "d", question: "5 - 2?", topic: "sums" }, { id: "e", answer: "1", topic: "sums" }];
  const models = ["zhipu/glm-4-plus", "zhipu/glm-4"];
  const refused = await plan({ ...SPEC, models }, rows);
  expect(refused.planned).toMatchObject({ isAccepted: false, problemCount: 2 });
  expect(refused.planned.problems).toEqual([
    { where: "rows.jsonl:4", message: 'the row has no field "answer"' },
    { where: "rows.jsonl:5", message: 'prompt "default": the row has no field "question"' },
  ]);
  const { items } = await plan({ ...SPEC, models }, rows, {}, true);
  expect(items.map(({ metadata }) => metadata?.item)).toEqual(["a", "a", "b", "b", "c", "c"]);
});

test("a missing group or target field is named with those that exist", async () => {
  const spec = { ...SPEC, datasets: [{ path: "rows.jsonl", target: "solution" }] };
  const { planned } = await plan(spec);
  expect(planned.problems[0]).toEqual({
    where: "rows.jsonl:1",
    message: 'the row has no field "solution"; it has "id", "question", "answer", "topic", "n"',
  });
});

test("duplicate ids are rejected with both places", async () => {
  const { planned } = await plan(SPEC, [...ROWS, { ...ROWS[0], question: "Again?" }]);
  expect(planned).toMatchObject({ isAccepted: false });
  expect(planned.problems[0]).toMatchObject({
    where: "rows.jsonl:4",
    message: expect.stringContaining("rows.jsonl:1"),
  });
});

test("parameters that a model rejects are reported with the line of the spec, before any row", async () => {
  const models = [{ model: "zhipu/glm-4-plus", parameters: { temperature: "hot" } }];
  await expect(plan({ ...SPEC, models })).rejects.toThrow(
    /spec\.yaml:1: models\[0\]: zhipu\/glm-4-plus: .*temperature/,
  );
});

test("a random choice of rows depends on ids and seed, not on the order of the file", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => ({ id: `q${i}`, question: `${i}?`, answer: `${i}` }));
  const choose = async (seed: number, given: readonly object[]) => {
    const datasets = [{ path: "rows.jsonl", target: "answer", limit: 20, shuffle: seed }];
    const { items } = await plan({ ...SPEC, datasets }, given);
    return items.map(({ metadata }) => String(metadata?.item)).toSorted();
  };
  const chosen = await choose(1, rows);
  expect(chosen).toHaveLength(20);
  expect(await choose(1, rows.toReversed())).toEqual(chosen);
  expect(await choose(2, rows)).not.toEqual(chosen);
});
