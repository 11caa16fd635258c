import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { initSpec } from "#src/cli/commands/eval/init-spec.ts";
import { planEvaluation } from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import { readSpec } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { createRegistry } from "#src/providers/registry.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-init-spec-"));
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

const OPTIONS = { config: undefined, models: ["zhipu/glm-4-plus"], force: false };

/** Writes a spec for a dataset, plans it, and returns its scorer with the request and targets of the first row. */
async function start(text: string, name = "rows.jsonl") {
  const file = join(dir, name);
  writeFileSync(file, text);
  expect(await initSpec(file, join(dir, "spec.yaml"), OPTIONS)).toBe(0);
  const registry = createRegistry();
  const spec = readSpec(join(dir, "spec.yaml"), { registry });
  const source = { spec, registry, skipInvalid: false, cwd: dir };
  const target = mkdtempSync(join(dir, "run-"));
  const plan = await planEvaluation(source, target);
  expect(plan.isAccepted, JSON.stringify(plan)).toBe(true);
  const items = [];
  for await (const block of readItems(target)) items.push(...block);
  const prompts = items.map(({ text }) => JSON.parse(text).messages.at(-1).content as string);
  return {
    scorer: spec.scorers.accuracy,
    prompt: prompts[0],
    prompts,
    ids: items.map(({ metadata }) => metadata?.item),
    targets: items.map(({ metadata }) => metadata?.targets),
    spec,
  };
}

const lines = (...rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

test("word problems whose solutions end with a number after ####", async () => {
  const { scorer, prompt, targets, ids } = await start(
    lines({ question: "2 + 2?", answer: "2 and 2\n#### 4" }, { question: "1,000 + 1?", answer: "#### 1,001" }),
  );
  expect(scorer).toEqual({ type: "numeric" });
  expect(prompt).toContain("2 + 2?");
  expect(targets).toEqual([["4"], ["1,001"]]);
  expect(ids).toEqual(["rows.jsonl:1", "rows.jsonl:2"]);
});

test.each([
  ["a list and the letter", { choices: ["red", "blue"], answer: "B" }, { type: "choice", field: "choices" }],
  ["a list and its position", { choices: ["red", "blue"], answer: 1 }, { type: "choice", field: "choices" }],
  ["ARC", { choices: { text: ["red", "blue"], label: ["A", "B"] }, answerKey: "B" }, { type: "choice", count: 2 }],
  ["a mapping", { options: { A: "red", B: "blue" }, answer: "B" }, { type: "choice", count: 2 }],
  ["fields of their own", { A: "red", B: "blue", answer: "B" }, { type: "choice", count: 2 }],
])("multiple choice: %s", async (_, fields, expected) => {
  const { scorer, prompt, targets } = await start(lines({ id: "x", question: "Sky?", ...fields }));
  expect(scorer).toEqual(expected);
  expect(prompt).toMatch(/Sky\?\s+A\. red\nB\. blue\n/);
  expect(targets).toEqual([["B"]]);
});

test("Chinese multiple choice as CSV, with names in Chinese", async () => {
  const { scorer, prompt, targets } = await start("编号,问题,A,B,答案\n1,天是什么颜色？,红,蓝,B\n", "题.csv");
  expect(scorer).toEqual({ type: "choice", count: 2 });
  expect(prompt).toContain("天是什么颜色？");
  expect(targets).toEqual([["B"]]);
});

test("code with tests", async () => {
  const row = { task_id: "t/1", prompt: "def f():\n", entry_point: "f", test: "def check(c):\n    assert c() == 1\n" };
  const { scorer, prompt, ids } = await start(lines(row));
  expect(scorer).toMatchObject({ type: "code", language: "python", testField: "test", entryPointField: "entry_point" });
  expect(prompt).toContain("def f():");
  expect(ids).toEqual(["t/1"]);
});

test("questions about passages: rows of a passage are a cluster", async () => {
  const answers = { text: ["in the old town hall"], answer_start: [3] };
  const row = { context: "A long text.", answers };
  const { scorer, prompt, targets, spec } = await start(
    lines({ id: 1, question: "Where?", ...row }, { id: 2, question: "And where?", ...row }),
  );
  expect(scorer).toEqual({ type: "includes", wholeWord: true });
  expect(prompt).toContain("A long text.\n\nWhere?");
  expect(targets[0]).toEqual(["in the old town hall"]);
  expect(spec.datasets[0]?.cluster).toBe("context");
});

test("labels, short answers, long answers, LaTeX, numbers, and JSON have scorers of their own", async () => {
  const scorerOf = async (...answers: readonly unknown[]) => {
    rmSync(join(dir, "spec.yaml"), { force: true });
    const rows = answers.map((answer, id) => ({ id, input: `Question ${id}`, target: answer }));
    return (await start(lines(...rows))).scorer?.type;
  };
  expect(await scorerOf("yes", "no", "yes", "no", "yes", "no")).toBe("exact");
  expect(await scorerOf("Paris", "Rome")).toBe("includes");
  expect(await scorerOf("It became the capital of the country after the war.")).toBe("f1");
  expect(await scorerOf("\\frac{1}{2}", "3")).toBe("math");
  expect(await scorerOf(3, "1,200", -2.5)).toBe("numeric");
  expect(await scorerOf({ name: "x" })).toBe("json");
  expect(await scorerOf(["Paris", "the capital"], ["Rome"])).toBe("includes");
});

test("Inspect's datasets, also with chat messages as the input", async () => {
  const input = [{ role: "user", content: "Capital of {{ France }}?" }];
  const { prompt, targets } = await start(
    JSON.stringify([{ input, target: "Paris", metadata: { level: 1 } }]),
    "a.json",
  );
  expect(prompt).toBe("Capital of {{ France }}?");
  expect(targets).toEqual([["Paris"]]);
});

test("ids that repeat are not used", async () => {
  const { ids } = await start(lines({ id: 1, question: "a?", answer: "x" }, { id: 1, question: "b?", answer: "y" }));
  expect(ids).toEqual(["rows.jsonl:1", "rows.jsonl:2"]);
});

test("an existing spec is replaced only with --force", async () => {
  await start(lines({ question: "a?", answer: "x" }));
  const spec = join(dir, "spec.yaml");
  const before = readFileSync(spec, "utf8");
  writeFileSync(join(dir, "rows.jsonl"), lines({ query: "a?", answer: "x" }));
  await expect(initSpec(join(dir, "rows.jsonl"), spec, OPTIONS)).rejects.toThrow("spec.yaml exists");
  expect(readFileSync(spec, "utf8")).toBe(before);
  await initSpec(join(dir, "rows.jsonl"), spec, { ...OPTIONS, force: true });
  expect(readFileSync(spec, "utf8")).toContain("{{ query }}");
});

test("datasets that cannot be used are refused, with their fields or lines, and nothing is written", async () => {
  const refuse = async (text: string, name = "bad.jsonl") => {
    writeFileSync(join(dir, name), text);
    const error = await initSpec(join(dir, name), join(dir, "new.yaml"), OPTIONS).catch((e) => e);
    expect(() => readFileSync(join(dir, "new.yaml"))).toThrow("ENOENT");
    return String(error.message);
  };
  expect(await refuse(lines({ a: 1, b: 2 }))).toMatch(/no field with a question.*"a", "b"/s);
  expect(await refuse(lines({ question: "x" }))).toMatch(/no field with an expected answer.*"question"/s);
  expect(await refuse("")).toContain("no rows");
  expect(await refuse("{broken\n")).toContain("bad.jsonl:1");
  await expect(initSpec(join(dir, "missing.jsonl"), join(dir, "new.yaml"), OPTIONS)).rejects.toThrow("missing.jsonl");
});
