import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConfigError } from "#src/core/failures/errors.ts";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { readSpec, type SpecOptions } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import { createSpecScorers } from "#src/producer/run-kinds/evaluation/spec/spec-scorers.ts";
import { createRegistry } from "#src/providers/registry.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-spec-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const SPEC = `name: small
datasets:
  - path: data/questions.jsonl
    target: answer
prompts:
  - user: "{{ question }}"
models:
  - zhipu/glm-4-plus
scorers:
  accuracy: exact
`;

function read(text: string, options: Partial<SpecOptions> = {}) {
  writeFileSync(join(dir, "spec.yaml"), text);
  return readSpec(join(dir, "spec.yaml"), { registry: createRegistry(), ...options });
}

/** The problems, without the folder. */
function problemsOf(text: string, options: Partial<SpecOptions> = {}): string[] {
  try {
    read(text, options);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problem.replaceAll(`${dir}/`, ""));
    throw error;
  }
  return [];
}

test("a short spec has names and defaults", () => {
  expect(read(SPEC)).toMatchObject({
    name: "small",
    datasets: [{ name: "questions", path: join(dir, "data/questions.jsonl"), id: "id", groups: [] }],
    prompts: [{ name: "default", user: "{{ question }}" }],
    models: [{ label: "zhipu/glm-4-plus", model: "zhipu/glm-4-plus", parameters: {} }],
    samples: 1,
    scorers: { accuracy: { type: "exact" } },
    reduce: "mean",
  });
});

test("all problems are reported at once, with file, line, and path", () => {
  const spec = SPEC.replace("    target: answer\n", "    target: answer\n    limits: 5\n    limit: many\n")
    .replace('user: "{{ question }}"', 'usr: "x"')
    .replace("scorers:", "samples: 0\nscorers:");
  expect(problemsOf(spec)).toEqual([
    'spec.yaml:5: datasets[0].limits: unknown key; did you mean "limit"?',
    "spec.yaml:6: datasets[0].limit: expected a number",
    'spec.yaml:8: prompts[0].usr: unknown key; did you mean "user"?',
    expect.stringContaining("spec.yaml:8: prompts[0]: expected either"),
    "spec.yaml:11: samples: expected a number of at least 1",
  ]);
});

test("missing parts are named, and what is not YAML is reported by its place alone", () => {
  expect(problemsOf("datasets:\n  - {}\nmodels: []\n")).toEqual([
    "spec.yaml:1: prompts: is missing",
    "spec.yaml:1: scorers: is missing",
    "spec.yaml:2: datasets[0].path: is missing",
    "spec.yaml:3: models: expected at least 1 entry",
  ]);
  const [problem, ...others] = problemsOf("datasets: [\nsecret: x");
  expect(problem).toMatch(/^spec\.yaml:\d+:\d+: not valid YAML: [a-z ]+$/);
  expect([problem, ...others].join()).not.toContain("secret");
});

test("problems of the form hide no other problems: datasets, models, and scorers are checked all the same", async () => {
  const spec = SPEC.replace("- zhipu/glm-4-plus", "- nobody/model")
    .replace("name: small", "name: 5")
    .replace("accuracy: exact", "accuracy: exakt")
    .concat("confidence: 95\nbaseline: other\n");
  await using scorerRegistry = createScorerRegistry();
  expect(problemsOf(spec, { scorerRegistry, needsDatasets: true })).toEqual([
    "spec.yaml:1: name: expected text",
    "spec.yaml:3: datasets[0].path: no such file: data/questions.jsonl",
    expect.stringContaining('spec.yaml:8: models[0]: "nobody'),
    expect.stringContaining('spec.yaml:10: scorers.accuracy.type: unknown scorer "exakt"'),
    "spec.yaml:11: confidence: expected a number of less than 1",
    "spec.yaml:12: baseline: no model has this label; the labels are nobody/model",
  ]);
});

test("models, labels, templates and the baseline are checked", () => {
  const spec = SPEC.replace("  - zhipu/glm-4-plus\n", "  - zhipu/glm-4-plus\n  - zhipu/glm-4-plus\n  - nobody/model\n")
    .replace("{{ question }}", "{{ question | nofilter")
    .concat("baseline: other\n");
  expect(problemsOf(spec)).toEqual([
    expect.stringContaining("spec.yaml:6: prompts[0].user: not a valid template: "),
    "spec.yaml:9: models[1]: another model has this label; give each a label of its own",
    expect.stringContaining('spec.yaml:10: models[2]: "nobody'),
    expect.stringContaining("spec.yaml:13: baseline: no model has this label; the labels are zhipu/glm-4-plus"),
  ]);
});

test("problems of scorers have the line of the option", async () => {
  await using registry = createScorerRegistry();
  const spec = read(SPEC.replace("accuracy: exact", "accuracy:\n    type: exact\n    nonsense: 1\n  other: nothing"));
  const create = () => createSpecScorers(spec, registry);
  expect(create).toThrow(/spec\.yaml:12: scorers\.accuracy\.nonsense: unknown option/);
  expect(create).toThrow(/spec\.yaml:13: scorers\.other\.type: unknown scorer "nothing"/);
});

test("the command line chooses models, limits, and samples", () => {
  const two = SPEC.replace(
    "  - zhipu/glm-4-plus\n",
    "  - zhipu/glm-4-plus\n  - { model: zhipu/glm-4-plus, label: hot }\n",
  );
  expect(read(two, { models: ["hot"], limit: 3, samples: 4 })).toMatchObject({
    models: [{ label: "hot" }],
    datasets: [{ limit: 3 }],
    samples: 4,
  });
  expect(() => read(two, { models: ["cold"] })).toThrow("--models: the spec has no model cold");
});

test("a spec that is scored differently asks the same questions", () => {
  const { generationHash } = read(SPEC);
  expect(read(SPEC.replace("accuracy: exact", "right: exact").concat("confidence: 0.9\nreduce: best\n"))).toMatchObject(
    {
      generationHash,
    },
  );
  for (const [from, to] of [
    ["{{ question }}", "Q: {{ question }}"],
    ["scorers:", "samples: 2\nscorers:"],
    ["glm-4-plus", "glm-4"],
  ] as const)
    expect(read(SPEC.replace(from, to)).generationHash).not.toBe(generationHash);
});
