import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { embedText, toFloats } from "#src/simulator/answers/embed-text.ts";
import { answerPrompt } from "#src/simulator/chat/answer-prompt.ts";
import { SIMULATOR_API_KEY, SIMULATOR_ZHIPU_KEY } from "#src/simulator/simulator.ts";
import { SIMULATED_SPARK } from "#src/simulator/spark/spark.ts";
import { type CliOptions, type CliProcess, CliSandbox, hasProgressedTo } from "#test/support/runs/cli-sandbox.ts";
import { buildCorpusText } from "#test/support/runs/corpus.ts";
import { readJsonl } from "#test/support/runs/read-output-files.ts";

const MODELS = ["zhipu/glm-4-plus", "spark/max", "minimax/MiniMax-M2"] as const;
const CONCURRENCY = 6;
/** 1,319 questions of grade-school mathematics (GSM8K), if they are on this machine. */
const QUESTIONS = fileURLToPath(new URL("../../../../shared/data/gsm8k-test.jsonl", import.meta.url));

/** Starts `sluice batch` with two workers and credentials for all simulated providers. */
function startBatch(sandbox: CliSandbox, args: readonly string[], options: CliOptions = {}): CliProcess {
  const { simulator } = sandbox;
  const limits = `{ requestsPerMinute: 100000, tokensPerMinute: 100000000, concurrency: ${CONCURRENCY} }`;
  const settings = ["providers:"];
  for (const name of [...MODELS, "minimax/embo-01"]) {
    const [provider, model] = name.split("/");
    if (!settings.includes(`  ${provider}:`)) settings.push(`  ${provider}:`, "    models:");
    const at = settings.indexOf(`  ${provider}:`) + 2;
    settings.splice(at, 0, `      ${model}: { limits: ${limits} }`);
  }
  sandbox.write("sluice.yaml", `${settings.join("\n")}\n`);
  return sandbox.start(["batch", ...args, "--workers", "2", "--json"], {
    ...options,
    env: {
      ZHIPU_API_KEY: SIMULATOR_ZHIPU_KEY,
      ZHIPU_BASE_URL: simulator.zhipuUrl,
      SPARK_APP_ID: SIMULATED_SPARK.appId,
      SPARK_API_KEY: SIMULATOR_API_KEY,
      SPARK_API_SECRET: SIMULATED_SPARK.apiSecret,
      SPARK_BASE_URL: simulator.spark.url,
      ...options.env,
    },
  });
}

function chatLine(n: number, content: string, model: string): string {
  const body = { model, messages: [{ role: "user", content }], max_tokens: 200, temperature: 0.5 };
  return JSON.stringify({ custom_id: `q-${n}`, method: "POST", url: "/v1/chat/completions", body });
}

interface AnswerLine {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: ChatBody };
  readonly error: unknown;
}

interface ChatBody {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

function expectAnswers(path: string, questions: readonly string[]): void {
  const lines = readJsonl(path) as unknown as AnswerLine[];
  expect(lines.map((line) => line.custom_id)).toEqual(questions.map((_, n) => `q-${n}`));
  for (const [n, { response, error }] of lines.entries()) {
    expect({ status: response.status_code, error }).toEqual({ status: 200, error: null });
    expect(response.body.choices[0]?.message.content).toBe(answerPrompt(questions[n] ?? ""));
  }
}

test("requests for three providers are answered once and in order in one run whose worker and command are killed", async () => {
  await using sandbox = await CliSandbox.open();
  const questions = Array.from({ length: 300 }, (_, n) => buildCorpusText(n));
  sandbox.write("requests.jsonl", questions.map((text, n) => chatLine(n, text, MODELS[n % 3] ?? "")).join("\n"));
  const args = ["requests.jsonl", "--out", "out"];

  const releaseFirst = sandbox.simulator.hold(60);
  const first = startBatch(sandbox, args);
  await first.event(hasProgressedTo(0.15), "a seventh of the requests");
  const [worker] = first.workers();
  if (!worker) throw new Error("the command has no worker");
  process.kill(worker.pid, "SIGKILL");
  await first.event(({ event }) => event === "worker-lost", "the loss of a worker");
  const releaseSecond = sandbox.simulator.hold(100);
  releaseFirst();
  await first.event(hasProgressedTo(0.4), "two fifths of the requests");
  first.kill("SIGKILL");
  await first.exit;
  releaseSecond();
  expect(existsSync(sandbox.path("out", "output.jsonl"))).toBe(false);

  const { code, stderr } = await startBatch(sandbox, args).exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expectAnswers(sandbox.path("out", "output.jsonl"), questions);
  expect(existsSync(sandbox.path("out", "errors.jsonl"))).toBe(false);
  const manifest = sandbox.manifest("out");
  expect(manifest).toMatchObject({
    kind: "chat",
    state: "finished",
    models: [...MODELS],
    items: { total: 300, succeeded: 300, failed: 0, missing: 0 },
  });
  const { calls } = sandbox.simulator.statistics();
  // A call is counted before it is sent: calls of a killed worker may be counted but not sent, or not counted.
  expect(Math.abs(calls - manifest.calls.made)).toBeLessThanOrEqual(2 * MODELS.length * CONCURRENCY);
  expect(calls).toBeLessThanOrEqual(300 + 2 * 2 * MODELS.length * CONCURRENCY);

  const again = await startBatch(sandbox, args).exit;
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining("already finished") });
  expect(sandbox.simulator.statistics().calls).toBe(calls);
  const listed = await sandbox.run(["runs", "out"]);
  expect(listed.stdout).toContain("/v1/chat/completions");
  await sandbox.waitUntilNoProcesses();
});

const hasQuestions = existsSync(QUESTIONS);
if (!hasQuestions)
  process.stderr.write(`SKIPPED: 1,319 questions through three providers; ${QUESTIONS} is not there\n`);
test.skipIf(!hasQuestions).each(MODELS)(
  "1,319 questions in a file that OpenAI would take are answered by %s, a worker killed on the way",
  async (model) => {
    await using sandbox = await CliSandbox.open();
    const questions = readJsonl(QUESTIONS).map(({ question }) => String(question));
    expect(questions).toHaveLength(1_319);
    sandbox.write("requests.jsonl", questions.map((text, n) => chatLine(n, text, "gpt-4o-mini")).join("\n"));
    const release = sandbox.simulator.hold(300);
    const cli = startBatch(sandbox, ["requests.jsonl", "--out", "out", "--model", model]);
    await cli.event(hasProgressedTo(0.2), "a fifth of the requests");
    const [worker] = cli.workers();
    if (!worker) throw new Error("the command has no worker");
    process.kill(worker.pid, "SIGKILL");
    release();
    const { code, stderr } = await cli.exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expectAnswers(sandbox.path("out", "output.jsonl"), questions);
    expect(sandbox.manifest("out").items).toEqual({ total: 1_319, succeeded: 1_319, failed: 0, missing: 0 });
  },
);

test("embedding requests become OpenAI's embedding lists", async () => {
  await using sandbox = await CliSandbox.open();
  const requests = Array.from({ length: 50 }, (_, n) => ({
    custom_id: `e-${n}`,
    method: "POST",
    url: "/v1/embeddings",
    body: {
      model: "minimax/embo-01",
      input: [buildCorpusText(2 * n), buildCorpusText(2 * n + 1)],
      encoding_format: n % 2 === 0 ? "base64" : "float",
    },
  }));
  const stdin = requests.map((request) => JSON.stringify(request)).join("\n");
  const { code, stderr } = await startBatch(sandbox, ["-", "--out", "out"], { stdin }).exit;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = readJsonl(sandbox.path("out", "output.jsonl"));
  expect(lines.map((line) => line.custom_id)).toEqual(requests.map((request) => request.custom_id));
  for (const [n, line] of lines.entries()) {
    const { data } = (line as unknown as { response: { body: { data: { embedding: string | number[] }[] } } }).response
      .body;
    const vectors = data.map(({ embedding }) =>
      typeof embedding === "string"
        ? new Float32Array(new Uint8Array(Buffer.from(embedding, "base64")).buffer)
        : Float32Array.from(embedding),
    );
    expect(vectors).toEqual(
      [buildCorpusText(2 * n), buildCorpusText(2 * n + 1)].map((text) => toFloats(embedText(text))),
    );
  }
  expect(sandbox.simulator.statistics().calls).toBeLessThanOrEqual(11);
});

test("every bad line is reported before anything is sent, and skipped with --skip-invalid", async () => {
  await using sandbox = await CliSandbox.open();
  sandbox.write(
    "requests.jsonl",
    [
      chatLine(0, "hello", MODELS[0]),
      "{",
      chatLine(0, "again", MODELS[0]),
      JSON.stringify({ custom_id: "u", method: "POST", url: "/v1/audio/speech", body: {} }),
      chatLine(1, "hello", "zhipuu/glm-4-plus"),
      JSON.stringify({ ...JSON.parse(chatLine(2, "private text", MODELS[0])), body: { stream: true, n: 2 } }),
    ].join("\n"),
  );
  const args = ["requests.jsonl", "--out", "out"];
  const { code, stderr } = await startBatch(sandbox, args).exit;
  expect(code).toBe(2);
  expect(stderr).toContain("the input has 5 problems; nothing was sent");
  for (const [line, problem] of [
    [2, "not valid JSON"],
    [3, 'the id "q-0" is already used by requests.jsonl:1'],
    [4, '"url" must be'],
    [5, "zhipuu"],
    [6, '"stream" must be false'],
  ])
    expect(stderr).toMatch(new RegExp(`requests\\.jsonl:${line}: .*${problem}`));
  expect(stderr).not.toContain("private text");
  expect(existsSync(sandbox.path("out"))).toBe(false);
  expect(sandbox.simulator.statistics().calls).toBe(0);

  expect(await startBatch(sandbox, [...args, "--skip-invalid"]).exit).toMatchObject({ code: 0 });
  expect(readJsonl(sandbox.path("out", "output.jsonl"))).toHaveLength(1);
  const other = await startBatch(sandbox, [...args, "--model", MODELS[1]]).exit;
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("contains another run") });
});

test("missing settings of any model are reported before anything is started", async () => {
  await using sandbox = await CliSandbox.open();
  sandbox.write("requests.jsonl", MODELS.map((model, n) => chatLine(n, "hello", model)).join("\n"));
  const env = { ZHIPU_API_KEY: undefined, SPARK_API_SECRET: undefined };
  const { code, stderr } = await startBatch(sandbox, ["requests.jsonl", "--out", "out"], { env }).exit;
  expect(code).toBe(2);
  expect(stderr).toContain("ZHIPU_API_KEY is not set");
  expect(stderr).toContain("SPARK_API_SECRET is not set");
  expect(readFileSync(sandbox.path("out", "run.json"), "utf8")).toContain('"state": "planned"');
  expect(await startBatch(sandbox, ["requests.jsonl", "--out", "out"]).exit).toMatchObject({ code: 0 });
});
