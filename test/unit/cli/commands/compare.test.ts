import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runCompare } from "#src/cli/commands/compare/compare.ts";

type Options = Parameters<typeof runCompare>[1];

let root: string;
let output: string;
let annotations: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sluice-compare-"));
  output = "";
  annotations = "";
  vi.stubEnv("GITHUB_ACTIONS", "false");
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    annotations += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

interface Folder {
  /** Scores by row; null for a row without an answer. */
  readonly scores: readonly (number | null)[];
  readonly from?: number;
  readonly label?: string;
  readonly sha256?: string;
  readonly scorer?: unknown;
}

function writeFolder(
  name: string,
  { scores, from = 0, label = "m", sha256 = "aa", scorer = { type: "exact" } }: Folder,
) {
  const dir = join(root, name);
  mkdirSync(dir);
  const counts = { total: scores.length, answered: scores.length, refused: 0, failed: 0 };
  const results = {
    ...{ version: 1, name, reduce: "mean", confidence: 0.95, activeMs: 1000, scorers: { accuracy: scorer } },
    datasets: [{ name: "d", sha256 }],
    prompts: [{ name: "default", sha256: "bb" }],
    models: [{ label, model: "p/m", samples: counts, promptTokens: 10, completionTokens: 5 }],
    metrics: [{ scorer: "accuracy", range: "binary" }],
    cost: { amount: 1.5, currency: "CNY" },
  };
  const lines = scores.map((value, i) => {
    const item = `q${from + i}`;
    const groups = { kind: i % 2 === 0 ? "even" : "odd" };
    const sample = { item, dataset: "d", prompt: "default", model: label, cluster: item, groups };
    return JSON.stringify(value === null ? sample : { ...sample, scores: { accuracy: { status: "scored", value } } });
  });
  writeFileSync(join(dir, "results.json"), JSON.stringify(results));
  writeFileSync(join(dir, "samples.jsonl"), lines.map((line) => `${line}\n`).join(""));
  return dir;
}

function compare(dirs: readonly string[], options: Partial<Options> = {}): Promise<number> {
  const defaults = {
    model: undefined,
    baselineModel: undefined,
    gate: undefined,
    junit: undefined,
    markdown: undefined,
  };
  const flags = { allowDifferentDatasets: false, json: true, config: undefined, commandLine: { args: [], cwd: root } };
  return runCompare(dirs, { ...defaults, ...flags, ...options } as Options);
}

const zeros = (count: number) => Array.from({ length: count }, () => 0);
const ones = (count: number) => Array.from({ length: count }, () => 1);

test("pairs rows on the intersection, and counts the others", async () => {
  const a = writeFolder("a", { scores: zeros(20) });
  const b = writeFolder("b", { scores: [null, ...ones(19)], from: 2 });
  expect(await compare([a, b])).toBe(0);
  const { comparisons } = JSON.parse(output);
  expect(comparisons).toMatchObject([
    {
      ...{ items: 17, mean: 1, baselineMean: 0, difference: 1, won: 17, lost: 0, test: "mcnemar" },
      rows: { common: 18, onlyBaseline: 2, onlyCompared: 2 },
      groups: [
        { field: "kind", value: "odd", items: 9 },
        { field: "kind", value: "even", items: 8 },
      ],
    },
  ]);
  expect(comparisons[0].pValue).toBeCloseTo(2 ** -16, 12);
});

test("the table has the verdict, cost, time, and notes", async () => {
  const a = writeFolder("a", { scores: zeros(20) });
  const b = writeFolder("b", { scores: ones(20), scorer: { type: "includes" } });
  expect(await compare([a, b], { json: false })).toBe(0);
  expect(output).toContain(`m (${b}) is better than m (${a}): +100.0`);
  expect(output).toContain("won 20, lost 0 of 20 items");
  expect(output).toContain(`${b}: cost`);
  expect(output).toContain('the scorer "accuracy" is defined differently');
});

test("a gate that fails exits with 1, and is in all reports", async () => {
  const a = writeFolder("a", { scores: ones(10) });
  const b = writeFolder("b", { scores: [0, ...ones(9)] });
  const [junit, markdown] = [join(root, "gates.xml"), join(root, "summary.md")];
  vi.stubEnv("GITHUB_ACTIONS", "true");
  const gate = ["accuracy >= baseline - 0.1", "accuracy >= baseline"];
  expect(await compare([a, b], { gate, junit, markdown })).toBe(1);
  expect(JSON.parse(output).gates).toMatchObject([{ passed: true }, { passed: false, mean: 0.9, threshold: 1 }]);
  expect(readFileSync(junit, "utf8")).toContain('<testsuites tests="2" failures="1">');
  expect(readFileSync(junit, "utf8")).toContain('<failure message="accuracy &gt;= baseline: 0.9 against 1');
  expect(readFileSync(markdown, "utf8")).toContain("**failed**: accuracy &gt;= baseline: 0.9 against 1");
  expect(annotations).toBe(`::error title=Gate failed::accuracy >= baseline: 0.9 against 1 (d, m, ${b})\n`);
});

test("a report that cannot be written is named", async () => {
  const a = writeFolder("a", { scores: ones(3) });
  const markdown = join(root, "missing", "summary.md");
  await expect(compare([a, a], { markdown })).rejects.toThrow(`${markdown} cannot be written`);
});

test("other datasets and other labels need an option", async () => {
  const a = writeFolder("a", { scores: ones(10) });
  const b = writeFolder("b", { scores: ones(10), sha256: "cc" });
  const c = writeFolder("c", { scores: ones(10), label: "n" });
  await expect(compare([a, b])).rejects.toThrow("--allow-different-datasets");
  expect(await compare([a, b], { allowDifferentDatasets: true })).toBe(0);
  await expect(compare([a, c])).rejects.toThrow("--model and --baseline-model");
  expect(await compare([a, c], { baselineModel: "m" })).toBe(0);
  await expect(compare([a, c], { model: "x" })).rejects.toThrow('no model with the label "x"; it has n');
  await expect(compare([a])).rejects.toThrow("two or more folders");
});

test("names the file and line of a damaged sample, and a missing or incomplete file", async () => {
  const a = writeFolder("a", { scores: ones(3) });
  const b = writeFolder("b", { scores: ones(3) });
  const path = join(b, "samples.jsonl");
  const [first = "", ...rest] = readFileSync(path, "utf8").split("\n");
  writeFileSync(path, `${first}\n{"item": 3}\n`);
  await expect(compare([a, b])).rejects.toThrow(`${path}:2: item:`);
  writeFileSync(path, `${[first, first.slice(0, 20), ...rest].join("\n")}`);
  await expect(compare([a, b])).rejects.toThrow(`${path}:2: `);
  writeFileSync(path, `${first}\n`);
  await expect(compare([a, b])).rejects.toThrow("has 1 samples, but results.json counts 3");
  rmSync(path);
  await expect(compare([a, b])).rejects.toThrow("no such file");
});
