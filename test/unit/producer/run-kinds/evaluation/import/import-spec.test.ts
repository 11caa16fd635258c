import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { ConfigError } from "#src/core/failures/errors.ts";
import type { Item } from "#src/core/item.ts";
import { createScorerRegistry } from "#src/evaluation/scorers/registry.ts";
import { importSpec } from "#src/producer/run-kinds/evaluation/import/import-spec.ts";
import { planEvaluation } from "#src/producer/run-kinds/evaluation/plan-evaluation.ts";
import { readSpec } from "#src/producer/run-kinds/evaluation/spec/read-spec.ts";
import { createSpecScorers } from "#src/producer/run-kinds/evaluation/spec/spec-scorers.ts";
import { readItems } from "#src/producer/storage/read-items.ts";
import { createRegistry } from "#src/providers/registry.ts";
import { createSample } from "#test/support/evaluation/create-sample.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sluice-import-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const registry = createRegistry();

function write(name: string, content: string | object): string {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : stringify(content));
  return path;
}

const importFile = (path: string, options: { models?: readonly string[]; skipInvalid?: boolean } = {}) =>
  importSpec(path, {
    registry,
    models: options.models,
    skipInvalid: options.skipInvalid ?? false,
    target: join(dir, "imports"),
  });

/** Imports and plans a file; `score` scores an answer to the row with this number, from 1, by all scorers. */
async function start(path: string, options: { models?: readonly string[]; skipInvalid?: boolean } = {}) {
  const imported = await importFile(path, options);
  expect(imported.isForeign).toBe(true);
  const spec = readSpec(imported.path, { registry, needsDatasets: true });
  const target = mkdtempSync(join(dir, "run-"));
  const plan = await planEvaluation({ spec, registry, skipInvalid: false, cwd: dir }, target);
  expect(plan.isAccepted, JSON.stringify(plan)).toBe(true);
  const items: Item[] = [];
  for await (const block of readItems(target)) items.push(...block);
  const score = async (row: number, text: string) => {
    await using scorers = createScorerRegistry({ baseDir: dirname(imported.path) });
    const { fields = {}, targets = [] } = items[row - 1]?.metadata ?? {};
    const scores = createSpecScorers(spec, scorers).map(
      async (scorer) =>
        [
          scorer.name,
          await scorer.score(createSample(text, targets as string[], fields as Record<string, unknown>)),
        ] as const,
    );
    const found = await Promise.all(scores);
    return Object.fromEntries(found.map(([name, one]) => [name, one.status === "scored" ? one.value : one.status]));
  };
  const messages = items.map(({ text }) => JSON.parse(text).messages);
  return { spec, items, messages, score, imported };
}

async function listProblems(path: string, options: { models?: readonly string[] } = {}): Promise<readonly string[]> {
  const error = await importFile(path, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${error}`);
  return error.problems.map((problem) => problem.replaceAll(`${dir}/`, ""));
}

const BASE = { prompts: ["Say {{word}} in {{language}}"], providers: ["openai:chat:gpt-4o-mini"] };

test("specs of our own are used as they are", async () => {
  const path = write("spec.yaml", { datasets: [], prompts: [] });
  expect(await importFile(path)).toEqual({ path, isForeign: false, skipped: [] });
});

describe("promptfoo", () => {
  test("prompts, models, parameters, variables, and tests become a spec with rows", async () => {
    const { spec, messages, items } = await start(
      write("promptfooconfig.yaml", {
        description: "Translations",
        prompts: [
          "Say {{word}} in {{language}}",
          '[{"role": "system", "content": "Short"}, {"role": "user", "content": "{{word}}"}]',
        ],
        providers: [
          { id: "openai:gpt-4o-mini", label: "mini", config: { temperature: 0.2, max_tokens: 50 } },
          "anthropic:messages:claude-sonnet-4-5",
        ],
        defaultTest: { vars: { language: "French" } },
        evaluateOptions: { repeat: 2, maxConcurrency: 3 },
        tests: [
          { vars: { word: ["sea", "sky"] }, assert: [{ type: "icontains", value: "la mer" }] },
          { vars: { word: "x", language: "Greek" }, assert: [{ type: "equals", value: "χ" }] },
        ],
      }),
    );
    expect(spec.models).toEqual([
      { label: "mini", model: "openai/gpt-4o-mini", parameters: { temperature: 0.2, max_tokens: 50 } },
      { label: "anthropic/claude-sonnet-4-5", model: "anthropic/claude-sonnet-4-5", parameters: {} },
    ]);
    expect(spec.samples).toBe(2);
    expect(items).toHaveLength(3 * 2 * 2 * 2);
    expect(messages[0]).toMatchObject([{ role: "user", content: "Say sea in French" }]);
    expect(messages.flat()).toContainEqual(expect.objectContaining({ role: "system", content: "Short" }));
    expect(messages.flat()).toContainEqual(expect.objectContaining({ content: "Say x in Greek" }));
  });

  test.each([
    [{ type: "equals", value: "Bonjour" }, "Bonjour", "bonjour"],
    [{ type: "contains", value: "jour" }, "Bonjour!", "JOUR"],
    [{ type: "icontains", value: "{{word}}" }, "the SEA", "the sky"],
    [{ type: "contains-any", value: ["a", "b"] }, "xb", "xyz"],
    [{ type: "icontains-all", value: "one, two" }, "ONE and two", "one"],
    [{ type: "starts-with", value: "a.b" }, "a.b c", "axb c"],
    [{ type: "regex", value: "^\\d+$" }, "123", "x123"],
    [{ type: "is-json" }, '{"a": 1}', "no"],
    [{ type: "is-json", value: { type: "object", required: ["a"] } }, '{"a": 1}', '{"b": 1}'],
    [{ type: "levenshtein", value: "kitten", threshold: 3 }, "sitting", "something else"],
    [{ type: "rouge-n", value: "the cat sat on the mat" }, "the cat sat on a mat", "dogs"],
    [{ type: "javascript", value: "output.length === 2 && context.vars.word === 'sea'" }, "ab", "abc"],
    [{ type: "finish-reason", value: "stop" }, "x", undefined],
    [{ type: "javascript", value: "return output.length / 10", threshold: 0.5 }, "abcdef", "abc"],
    [{ type: "javascript", value: "Math.min(1, output.length - 2);" }, "abc", "ab"],
    [{ type: "not-contains", value: "error" }, "fine", "an error"],
    [{ type: "not-is-json" }, "text", "{}"],
    [
      {
        type: "assert-set",
        assert: [
          { type: "contains", value: "a" },
          { type: "contains", value: "b" },
        ],
      },
      "ab",
      "a",
    ],
    [{ $ref: "#/assertionTemplates/pirate" }, "Arrr", "yes"],
  ])("%j", async (assertion, right, wrong) => {
    const assertionTemplates = { pirate: { type: "icontains", value: "arr" } };
    const tests = [{ vars: { word: "sea", language: "French" }, assert: [assertion] }];
    const { score } = await start(write("promptfooconfig.yaml", { ...BASE, tests, assertionTemplates }));
    expect(await score(1, right)).toEqual({ passed: 1 });
    if (wrong !== undefined) expect(await score(1, wrong)).toEqual({ passed: 0 });
  });

  test("a test passes if all its assertions do, or the weighted share that it asks for", async () => {
    const assert = [
      { type: "contains", value: "a", weight: 3 },
      { type: "contains", value: "b" },
    ];
    const vars = { word: "sea", language: "French" };
    const tests = [
      { vars, assert },
      { vars, assert, threshold: 0.7 },
    ];
    const { score } = await start(write("promptfooconfig.yaml", { ...BASE, tests }));
    expect(await score(1, "a")).toEqual({ passed: 0 });
    expect(await score(1, "ab")).toEqual({ passed: 1 });
    expect(await score(2, "a")).toEqual({ passed: 1 });
    expect(await score(2, "b")).toEqual({ passed: 0 });
  });

  test("prompts, variables, functions, and tests in files", async () => {
    write("prompts/a.txt", "First: {{word}}\n---\nSecond: {{word}}\n");
    write("word.txt", "ocean\n");
    write("check.mjs", "export default (output) => output === 'good';\n");
    write(
      "tests.csv",
      'word,__expected,__expected2,__description\nsea,"contains: mer",javascript: output.length < 9,x\nsky,ciel,,\n',
    );
    const path = write("promptfooconfig.yaml", {
      prompts: ["file://prompts/a.txt"],
      providers: "openai:gpt-4o-mini",
      tests: [
        "file://tests.csv",
        { vars: { word: "file://word.txt" }, assert: [{ type: "javascript", value: "file://check.mjs" }] },
      ],
    });
    const { messages, score, spec } = await start(path);
    expect(spec.prompts).toHaveLength(2);
    expect(messages.map(([one]) => one.content)).toEqual(
      ["sea", "sky", "ocean"].flatMap((word) => [`First: ${word}`, `Second: ${word}`]),
    );
    expect(await score(1, "la mer")).toEqual({ passed: 1 });
    expect(await score(1, "la mer est belle")).toEqual({ passed: 0 });
    expect(await score(3, "ciel")).toEqual({ passed: 1 });
    expect(await score(5, "good")).toEqual({ passed: 1 });
  });

  const UNSUPPORTED = {
    ...BASE,
    scenarios: [],
    tests: [
      {
        vars: { word: "a", language: "b" },
        assert: [
          { type: "contains", value: "a" },
          { type: "llm-rubric", value: "polite" },
        ],
      },
      { vars: { word: "b" }, options: { transform: "x" }, assert: [{ type: "python", value: "True" }] },
    ],
  };

  test("what cannot run is reported by line and path, and nothing is started", async () => {
    const problems = await listProblems(write("promptfooconfig.yaml", UNSUPPORTED));
    expect(problems).toEqual([
      expect.stringMatching(/^promptfooconfig.yaml:5: scenarios: not supported/),
      expect.stringMatching(
        /^promptfooconfig.yaml:13: tests\[0\].assert\[1\]: the type llm-rubric needs calls of a model/,
      ),
      expect.stringMatching(/^promptfooconfig.yaml:17: tests\[1\].options: not supported/),
      expect.stringMatching(/^promptfooconfig.yaml:20: tests\[1\].assert\[0\]: the type python is not supported/),
      expect.stringMatching(/^promptfooconfig.yaml:15: tests\[1\]: no assertion of this test can be checked/),
      expect.stringContaining("--skip-invalid"),
    ]);
  });

  test("--skip-invalid runs the rest and says what was left out", async () => {
    const { items, imported } = await start(write("promptfooconfig.yaml", UNSUPPORTED), { skipInvalid: true });
    expect(items).toHaveLength(1);
    expect(imported.skipped).toHaveLength(5);
  });

  test("unknown providers, missing files, and other tests are reported; --models replaces providers", async () => {
    write("bad.csv", "word,__expected,__prefix\nsea,contains: x,Please\n");
    const path = write("promptfooconfig.yaml", {
      prompts: ["file://missing.txt", "file://make.py", "{{ word"],
      providers: ["file://provider.js", { id: "openai:gpt-4o", config: { apiKey: "k" } }],
      tests: [
        "file://bad.csv",
        "huggingface://datasets/x",
        { assert: [{ type: "contains" }, { type: "regex", value: "file://r.txt" }] },
      ],
    });
    const problems = await listProblems(path);
    for (const part of [
      "prompts[0]: the file cannot be read",
      "prompts[1]: prompts are supported as texts",
      "providers[0]: unknown provider",
      "providers[1].config.apiKey",
      "bad.csv:2: __prefix",
      "tests[1]",
      "the value is missing",
      "values in files",
    ])
      expect(problems.join("\n")).toContain(part);
    const models = ["zhipu/glm-4-plus"];
    const replaced = await listProblems(path, { models });
    expect(replaced.join("\n")).not.toContain("provider");
  });

  test("lists of other values than texts are one value", async () => {
    const vars = { word: [{ user: "a" }, { user: "b" }], language: ["x", "y"] };
    const prompts = ["{{ word[1].user }} {{ language }}"];
    const tests = [{ vars, assert: [{ type: "contains", value: "a" }] }];
    const { messages } = await start(write("promptfooconfig.yaml", { ...BASE, prompts, tests }));
    expect(messages.flat().map(({ content }) => content)).toEqual(["b x", "b y"]);
  });

  test("defaults that are not supported, and chat messages that a template creates, are reported", async () => {
    const prompts = ['[{% for m in list %}{"role": "user", "content": "{{ m }}"},{% endfor %}]'];
    const path = write("promptfooconfig.yaml", { ...BASE, prompts, defaultTest: { options: { transform: "x" } } });
    const problems = await listProblems(path);
    expect(problems).toContainEqual(expect.stringMatching(/:\d+: defaultTest.options: not supported/));
    expect(problems).toContainEqual(expect.stringMatching(/:\d+: prompts\[0\]: chat messages that a template creates/));
  });

  test("the same file gives the same spec, so that a run can be resumed", async () => {
    const path = write("promptfooconfig.yaml", {
      ...BASE,
      tests: [{ vars: { word: "a", language: "b" }, assert: [{ type: "contains", value: "a" }] }],
    });
    expect((await importFile(path)).path).toBe((await importFile(path)).path);
  });
});

describe("OpenAI's hosted evals", () => {
  const EVAL = {
    name: "tickets",
    data_source_config: { type: "custom", item_schema: {}, include_sample_schema: true },
    testing_criteria: [
      {
        type: "string_check",
        name: "label",
        input: "{{sample.output_text}}",
        reference: "{{ item.label }}",
        operation: "eq",
      },
      {
        type: "string_check",
        name: "mentions",
        input: "{{ sample.output_text }}",
        reference: "{{item.label}}",
        operation: "ilike",
      },
      {
        type: "text_similarity",
        name: "close",
        input: "{{sample.output_text}}",
        reference: "{{item.label}}",
        evaluation_metric: "fuzzy_match",
        pass_threshold: 0.7,
      },
    ],
    runs: [
      {
        data_source: {
          type: "completions",
          model: "gpt-4o-mini",
          sampling_params: { temperature: 0, max_completions_tokens: 20 },
          input_messages: {
            type: "template",
            template: [
              { type: "message", role: "user", content: { type: "input_text", text: "Label: {{item.text}}" } },
            ],
          },
          source: { type: "file_content", content: [{ item: { text: "No power", label: "Hardware" } }] },
        },
      },
    ],
  };

  test("criteria become scorers of their own", async () => {
    const { spec, messages, score } = await start(write("eval.json", JSON.stringify(EVAL, null, 1)));
    expect(spec.models).toMatchObject([
      { model: "openai/gpt-4o-mini", parameters: { temperature: 0, max_completion_tokens: 20 } },
    ]);
    expect(messages).toMatchObject([[{ role: "user", content: "Label: No power" }]]);
    expect(await score(1, "Hardware")).toEqual({ label: 1, mentions: 1, close: 1 });
    expect(await score(1, "Hardwear")).toEqual({ label: 0, mentions: 0, close: 1 });
    expect(await score(1, "It is hardware.")).toEqual({ label: 0, mentions: 1, close: 0 });
  });

  test("items from a file beside the eval, with other models", async () => {
    const { runs: _, ...alone } = EVAL;
    const path = write(
      "eval.json",
      JSON.stringify({ ...alone, data_source: { ...EVAL.runs[0]?.data_source, source: { type: "file_id", id: "f" } } }),
    );
    expect((await listProblems(path)).join("\n")).toContain("save them as eval.jsonl beside this file");
    write("eval.jsonl", '{"item": {"text": "a", "label": "b"}}\n');
    const { spec, items } = await start(path, { models: ["zhipu/glm-4-plus"] });
    expect(spec.models[0]?.model).toBe("zhipu/glm-4-plus");
    expect(items).toHaveLength(1);
  });

  test("graders that cannot run are reported by line", async () => {
    const testing_criteria = [
      { type: "python", source: "x" },
      { type: "label_model", labels: [] },
      { type: "string_check", input: "{{item.text}}", reference: "a", operation: "eq" },
      {
        type: "text_similarity",
        input: "{{sample.output_text}}",
        reference: "a",
        evaluation_metric: "cosine",
        pass_threshold: 1,
      },
      { type: "string_check", input: "{{sample.output_text}}", reference: "{{item.missing}}", operation: "eq" },
    ];
    const problems = await listProblems(write("eval.json", JSON.stringify({ ...EVAL, testing_criteria }, null, 1)));
    expect(problems).toHaveLength(6);
    for (const [i, part] of [
      "type python",
      "needs a judge",
      "the input must be",
      "metric is not supported",
      "item.missing",
    ].entries())
      expect(problems.join("\n")).toMatch(new RegExp(`eval.json:\\d+: testing_criteria\\[${i}\\]: .*${part}`));
  });
});

describe("openai/evals", () => {
  const registryFile = (type: string, args: object = {}) => ({
    capitals: { id: "capitals.dev.v0", metrics: ["accuracy"] },
    "capitals.dev.v0": {
      class: `evals.elsuite.basic.${type}`,
      args: { samples_jsonl: "capitals/samples.jsonl", ...args },
    },
  });
  const models = ["zhipu/glm-4-plus"];

  test.each([
    ["match:Match", "Paris, of course", "It is Paris"],
    ["includes:Includes", "It is Paris", "It is Rome"],
    ["fuzzy_match:FuzzyMatch", "The paris!", "Rome"],
  ])("%s", async (type, right, wrong) => {
    write(
      "data/capitals/samples.jsonl",
      `${JSON.stringify({
        input: [
          { role: "system", content: "Short" },
          { role: "user", content: "France? {{x}}" },
        ],
        ideal: ["Paris", "Paname"],
      })}\n`,
    );
    const { messages, score } = await start(write("evals/capitals.yaml", registryFile(type)), { models });
    expect(messages).toMatchObject([[{ role: "system" }, { role: "user", content: "France? {{x}}" }]]);
    expect([await score(1, right), await score(1, wrong)]).toEqual([{ accuracy: 1 }, { accuracy: 0 }]);
  });

  test("other classes, arguments, missing samples, and missing models are reported", async () => {
    const problems = await listProblems(
      write("evals/x.yaml", registryFile("modelgraded.classify:ModelBasedClassify", { eval_type: "cot" })),
    );
    expect(problems.slice(0, 4)).toEqual([
      expect.stringContaining(
        'evals/x.yaml:6: ["capitals.dev.v0"].class: the class ModelBasedClassify is not supported',
      ),
      expect.stringContaining("samples_jsonl: no such file"),
      expect.stringContaining("args.eval_type: not supported"),
      expect.stringContaining("add --models"),
    ]);
  });
});

test("files that are not YAML are reported by position", async () => {
  expect(await listProblems(write("bad.yaml", "a: [1, 2"))).toEqual([
    expect.stringMatching(/^bad.yaml:\d+:\d+: not valid YAML/),
  ]);
  expect(await listProblems(join(dir, "missing.yaml"))).toEqual([expect.stringContaining("cannot be read")]);
});

test("the translated spec is plain YAML", async () => {
  const path = write("promptfooconfig.yaml", {
    ...BASE,
    tests: [{ vars: { word: "a", language: "b" }, assert: [{ type: "contains", value: "a" }] }],
  });
  const { imported } = await start(path);
  expect(parse(readFileSync(imported.path, "utf8"))).toMatchObject({ datasets: [{ path: "tests.jsonl", id: "__id" }] });
});
