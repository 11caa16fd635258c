import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type ScriptedAnswer, startAnswerServer } from "#test/support/evaluation/answer-server.ts";
import { CliSandbox } from "#test/support/runs/cli-sandbox.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const ROWS = 30;

/** What the judge says about the answer to question `i`. */
function judge(i: number): ScriptedAnswer {
  if (i % 10 === 3) return { text: "It could be yes or no." };
  if (i % 10 === 5) return { refusal: "I do not judge this." };
  if (i % 10 === 7) return { status: 400, code: "unsupported_value" };
  return { text: `The criteria are clear.\n**VERDICT: ${i % 2 === 0 ? "yes" : "no"}**` };
}

async function openSandbox(scorers: string) {
  const asked: string[] = [];
  const server = await startAnswerServer((prompt, model) => {
    asked.push(`${model}: ${prompt}`);
    const i = Number(/Question (\d+)/.exec(prompt)?.[1]);
    if (model === "good") return { text: `aab reply ${i}` };
    if (model === "first") return { text: "VERDICT: A" };
    if (model === "strict") return { text: "VERDICT: no" };
    return judge(i);
  });
  const sandbox = await CliSandbox.open();
  const chat =
    "{ kind: chat, limits: { concurrency: 4 }, price: { inputPerMillionTokens: 2, outputPerMillionTokens: 8, currency: CNY } }";
  sandbox.write(
    "sluice.yaml",
    `compatible:\n  local:\n    baseUrl: ${server.baseUrl}\n    models:\n      good: ${chat}\n      judge: ${chat}\n      first: ${chat}\n      strict: ${chat}\n      letters: { kind: embedding, dimensions: 2, limits: { concurrency: 2 } }\n`,
  );
  const rows = Array.from({ length: ROWS }, (_, i) => ({ question: `Question ${i}?`, target: "bba" }));
  sandbox.write("rows.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  sandbox.write(
    "spec.yaml",
    `datasets: [{ path: rows.jsonl, target: target }]\nprompts: [{ user: "{{ question }}" }]\nmodels: [local/good]\nscorers:\n${scorers}`,
  );
  return {
    ...{ sandbox, server, asked },
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function readResults(sandbox: CliSandbox) {
  return JSON.parse(readFileSync(sandbox.path("out", "results.json"), "utf8"));
}

const RUBRIC = '  quality: { type: model-graded, judge: local/judge, rubric: "It is polite." }\n';

test("after kill -9 among the judge's calls, the rest is asked; another rubric asks only the judge", async () => {
  await using opened = await openSandbox(RUBRIC);
  const { sandbox, server } = opened;
  const release = server.hold(ROWS + 15);
  const args = ["eval", "spec.yaml", "--out", "out"];
  const first = sandbox.start([...args, "--json"]);
  await first.event((event) => event.event === "progress" && server.calls() >= ROWS + 15, "the held call of the judge");
  first.kill("SIGKILL");
  await first.exit;
  release();
  expect(await sandbox.run(args)).toMatchObject({ code: 1, stdout: expect.stringContaining("quality") });
  // The calls in flight at the kill, at most, are made twice.
  expect(server.calls()).toBeLessThanOrEqual(2 * ROWS + 4);
  const { metrics, scorerCalls, cost } = readResults(sandbox);
  expect(metrics).toMatchObject([{ items: 21, unparseable: 3, errors: 6, unanswered: 0, mean: 15 / 21 }]);
  expect(scorerCalls).toMatchObject([
    {
      ...{ scorer: "quality", calls: ROWS, unanswered: 3, promptTokens: 27 * 20, completionTokens: 27 * 5 },
      cost: { amount: expect.closeTo((27 * (20 * 2 + 5 * 8)) / 1e6, 9), currency: "CNY" },
      judges: [{ model: "local/judge", verdicts: 21, unparseable: 3, refused: 3, failed: 3 }],
    },
  ]);
  expect(cost.amount).toBeCloseTo((ROWS * 80) / 1e6, 9);

  const before = server.calls();
  expect(await sandbox.run(["score", "out"])).toMatchObject({ code: 0 });
  expect(server.calls()).toBe(before);
  sandbox.write("spec.yaml", readFileSync(sandbox.path("spec.yaml"), "utf8").replace("polite", "short"));
  expect(await sandbox.run(["score", "out", "--spec", "spec.yaml"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("has not been made"),
  });
  expect(server.calls()).toBe(before);
  await sandbox.run(args);
  expect(server.calls()).toBe(before + ROWS);
  expect(readResults(sandbox).metrics).toMatchObject([{ items: 21 }]);
  await sandbox.waitUntilNoProcesses();
});

test("pairs are judged in both orders, several judges are combined, and embeddings are compared", async () => {
  await using opened = await openSandbox(
    `  pair: { type: model-graded, judge: local/first, against: "{{ target }}" }
  panel: { type: model-graded, judge: [local/first, local/strict], prompt: "{{ question }} {{ output }} {{ target }}" }
  near: { type: similar, model: local/letters }
`,
  );
  const { sandbox, server, asked } = opened;
  const dry = await sandbox.run(["eval", "spec.yaml", "--out", "out", "--dry-run"]);
  expect(dry).toMatchObject({ code: 0 });
  expect(server.calls()).toBe(0);
  expect(await sandbox.run(["eval", "spec.yaml", "--out", "out"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("depends on the order"),
  });
  const { metrics, scorerCalls } = readResults(sandbox);
  expect(metrics).toMatchObject([
    { scorer: "pair", items: ROWS, mean: 0.5 },
    // "A" is no verdict about a rubric, and one of two judges is no majority.
    { scorer: "panel", items: 0, unparseable: ROWS },
    { scorer: "near", items: ROWS, mean: expect.closeTo(4 / 5, 6) },
  ]);
  expect(scorerCalls).toMatchObject([
    { scorer: "pair", calls: 2 * ROWS, positions: { pairs: ROWS, first: ROWS, second: 0 } },
    { scorer: "panel", calls: 2 * ROWS, agreement: null },
    { scorer: "near", calls: ROWS + 1 },
  ]);
  const both = asked.filter((prompt) => prompt.startsWith("first:") && prompt.includes("Question 7?\n"));
  expect(both).toHaveLength(2);
  expect(both.filter((prompt) => prompt.includes("[Answer A]\naab reply 7"))).toHaveLength(1);
  const calls = server.calls();
  await sandbox.run(["eval", "spec.yaml", "--out", "out"]);
  expect(server.calls()).toBe(calls);
  expect(readJsonl(sandbox.path("out", "samples.jsonl"))).toHaveLength(ROWS);
});
