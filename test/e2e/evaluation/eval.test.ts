import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startAnswerServer } from "#test/support/evaluation/answer-server.ts";
import { CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const GSM8K = new URL("../../../../shared/data/gsm8k-test.jsonl", import.meta.url);

interface Row {
  readonly question: string;
  readonly answer: string;
}

/** Word problems, with solutions in the form of GSM8K. */
function createRows(count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    question: `Problem ${i}: a box has ${i} apples, and ${i + 3} more are put into it. How many apples does it have?`,
    answer: `${i} + ${i + 3} = <<${i}+${i + 3}=${2 * i + 3}>>${2 * i + 3}\n#### ${(2 * i + 3).toLocaleString("en")}`,
  }));
}

/** How model "good" answers problem `i`; "bad" is wrong in a third of what "good" knows. */
function describeAnswer(i: number, model: string): "right" | "wrong" | "unparseable" | "refused" | "failed" {
  if (i % 10 === 9) return "wrong";
  if (i % 20 === 5) return "unparseable";
  if (i % 20 === 15) return "refused";
  if (i % 25 === 12) return "failed";
  return model === "bad" && i % 3 === 0 ? "wrong" : "right";
}

async function openSandbox(rows: readonly Row[]) {
  const numbers = new Map(rows.map(({ question }, i) => [question, i]));
  const server = await startAnswerServer((asked, model) => {
    const question = asked.replace(/^Solve: /, "");
    const i = numbers.get(question) ?? Number.NaN;
    const solution = rows[i]?.answer.split("#### ")[1] ?? "";
    switch (describeAnswer(i, model)) {
      case "right":
        return { text: `There are two numbers, 1 and 2.\nThe answer is **${solution}** apples.` };
      case "wrong":
        return { text: `The answer is ${Number(solution.replaceAll(",", "")) + 1}.` };
      case "unparseable":
        return { text: "I would rather not say." };
      case "refused":
        return { refusal: "I cannot help with that." };
      default:
        return { status: 400, code: "unsupported_value" };
    }
  });
  const sandbox = await CliSandbox.open();
  sandbox.write(
    "sluice.yaml",
    `compatible:\n  local:\n    baseUrl: ${server.baseUrl}\n    models:\n      good: { kind: chat, limits: { concurrency: 8 }, price: { inputPerMillionTokens: 2, outputPerMillionTokens: 8, currency: CNY } }\n      bad: { kind: chat, limits: { concurrency: 8 } }\n`,
  );
  sandbox.write("rows.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  sandbox.write(
    "spec.yaml",
    `datasets:
  - path: rows.jsonl
    target: "{{ answer | split: '#### ' | last }}"
prompts:
  - user: "Solve: {{ question }}"
models: [local/good, local/bad]
scorers:
  accuracy: numeric
baseline: local/bad
`,
  );
  return {
    sandbox,
    server,
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The metric of a model, computed from the script alone. */
function expectedMetric(rows: number, model: string) {
  const kinds = Array.from({ length: rows }, (_, i) => describeAnswer(i, model));
  const count = (...names: readonly string[]) => kinds.filter((kind) => names.includes(kind)).length;
  return {
    model: `local/${model}`,
    items: count("right", "wrong"),
    mean: count("right") / count("right", "wrong"),
    unparseable: count("unparseable"),
    unanswered: count("refused", "failed"),
    refused: count("refused"),
    errors: 0,
  };
}

interface Results {
  readonly metrics: readonly Record<string, unknown>[];
  readonly comparisons: readonly Record<string, unknown>[];
  readonly models: readonly Record<string, unknown>[];
}

function readResults(sandbox: CliSandbox): Results {
  return JSON.parse(readFileSync(sandbox.path("out", "results.json"), "utf8"));
}

const GENERATED = createRows(200);

test.for([
  ["generated problems", GENERATED],
  ["gsm8k", existsSync(GSM8K) ? undefined : []],
] as const)("%s: the accuracy is that of the script", async ([, given], { skip }) => {
  const rows = given ?? (readJsonl(GSM8K.pathname) as unknown as readonly Row[]);
  if (rows.length === 0) skip("needs ../shared/data/gsm8k-test.jsonl, which does not exist");
  await using opened = await openSandbox(rows);
  const { sandbox } = opened;
  const { code, stdout } = await sandbox.run(["eval", "spec.yaml", "--out", "out"]);
  expect(code).toBe(1);
  const { metrics, models, comparisons } = readResults(sandbox);
  expect(metrics).toMatchObject([expectedMetric(rows.length, "good"), expectedMetric(rows.length, "bad")]);
  const refused = rows.filter((_, i) => describeAnswer(i, "good") === "refused").length;
  const answers = rows.filter((_, i) => describeAnswer(i, "good") !== "failed").length;
  expect(models[0]).toMatchObject({
    ...{ label: "local/good", samples: { total: rows.length, refused } },
    ...{ promptTokens: 20 * answers, completionTokens: 5 * answers },
    cost: { amount: expect.closeTo((answers * (20 * 2 + 5 * 8)) / 1e6, 9), currency: "CNY" },
    p95DurationMs: expect.any(Number),
  });
  expect(models[1]).not.toHaveProperty("cost");
  expect(comparisons).toMatchObject([{ model: "local/good", baseline: "local/bad", lost: 0, test: "mcnemar" }]);
  expect(stdout).toContain("local/good is better than local/bad: +");
  expect(readJsonl(sandbox.path("out", "samples.jsonl"))).toHaveLength(2 * rows.length);
  expect((await sandbox.run(["verify", "out"])).code).toBe(0);
});

test("after kill -9, the rerun asks only what has no answer, and the results are the same", async () => {
  await using opened = await openSandbox(GENERATED);
  const { sandbox, server } = opened;
  const release = server.hold(150);
  const args = ["eval", "spec.yaml", "--out", "out", "--json"];
  const first = sandbox.start(args);
  await first.event(hasProgressedTo(0.2), "a fifth of the samples");
  first.kill("SIGKILL");
  await first.exit;
  release();
  const second = sandbox.start(args);
  expect(await second.exit).toMatchObject({ code: 1 });
  expect(readResults(sandbox).metrics).toMatchObject([expectedMetric(200, "good"), expectedMetric(200, "bad")]);
  expect(second.events().at(-1)).toMatchObject({
    event: "results",
    metrics: [expectedMetric(200, "good"), expectedMetric(200, "bad")],
  });
  // The calls in flight at the kill, at most.
  expect(server.calls()).toBeLessThanOrEqual(400 + 16);
  await sandbox.waitUntilNoProcesses();
});

test("score scores again without a call, and lists what changed; retry asks again and scores", async () => {
  await using opened = await openSandbox(GENERATED.slice(0, 30));
  const { sandbox, server } = opened;
  await sandbox.run(["eval", "spec.yaml", "--out", "out"]);
  const calls = server.calls();
  const again = await sandbox.run(["score", "out"]);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("No sample has another score than before.") });
  const spec = readFileSync(sandbox.path("spec.yaml"), "utf8");
  sandbox.write("other.yaml", spec.replace("accuracy: numeric", "accuracy: { type: includes }"));
  const other = await sandbox.run(["score", "out", "--spec", "other.yaml"]);
  expect(other).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /\d+ samples with another score than before:\n {2}\S+ \| \S+: accuracy was unparseable, is 0\n/,
    ),
  });
  expect(server.calls()).toBe(calls);
  const retried = await sandbox.run(["retry", "out"]);
  expect(retried).toMatchObject({ code: 1, stdout: expect.stringContaining("accuracy") });
  // The two failed samples of each model.
  expect(server.calls()).toBe(calls + 2);
});

test("a spec with mistakes, and one whose scorer does not exist, are rejected before any call", async () => {
  await using opened = await openSandbox(GENERATED.slice(0, 3));
  const { sandbox, server } = opened;
  const spec = readFileSync(sandbox.path("spec.yaml"), "utf8");
  sandbox.write("spec.yaml", spec.replace("accuracy: numeric", "accuracy: numerik"));
  const wrong = await sandbox.run(["eval", "spec.yaml", "--out", "out"]);
  expect(wrong).toMatchObject({ code: 2, stdout: "" });
  expect(wrong.stderr).toContain(
    'spec.yaml:8: scorers.accuracy.type: unknown scorer "numerik"; did you mean "numeric"?',
  );
  sandbox.write("spec.yaml", spec.replace("rows.jsonl", "none.jsonl"));
  expect(await sandbox.run(["eval", "spec.yaml", "--out", "out"])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/spec\.yaml:\d+: datasets\[0\]\.path: no such file: .*none\.jsonl\n/),
  });
  expect(await sandbox.run(["score", "."])).toMatchObject({
    code: 2,
    stderr: expect.not.stringContaining("unexpected"),
  });
  expect(server.calls()).toBe(0);
});
