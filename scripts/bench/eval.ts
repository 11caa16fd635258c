// Benchmark "eval": the time of an evaluation beside the time of its calls and promptfoo, and the memory of large ones.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { measureProcess } from "./measure-process.ts";
import { type SimulatorProcess, startSimulatorProcess } from "./simulator-process.ts";
import { SLUICE } from "./sluice-command.ts";
import { formatMarkdownTable, formatMegabytes, formatRatio, number } from "./table.ts";

export interface EvalBenchOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface EvalTime {
  readonly contender: string;
  /** Of the whole command; undefined if it was not measured. */
  readonly wallMs: number | undefined;
}

interface EvalSize {
  readonly rows: number;
  readonly evalMs: number;
  readonly evalRss: number;
  readonly scoreMs: number;
  readonly scoreRss: number;
}

export interface EvalBenchResult {
  readonly problems: number;
  /** What the calls take if every place is always taken. */
  readonly callsMs: number;
  readonly times: readonly EvalTime[];
  readonly sizes: readonly EvalSize[];
}

const PLACES = 20;
const LATENCY_MS = 1_000;
/** As many as the test part of GSM8K has. */
const PROBLEMS = 1_319;
const MODELS = ["one", "two", "three"];
const OUT = "out";

export async function benchEval({ quick, log }: EvalBenchOptions): Promise<EvalBenchResult> {
  const problems = quick ? 200 : PROBLEMS;
  const folder = await makeFolder();
  try {
    await writeRows(join(folder, "rows.jsonl"), problems);
    const times = await measureTimes(folder, problems, log);
    const sizes: EvalSize[] = [];
    for (const rows of quick ? [1_000, 10_000] : [10_000, 100_000]) {
      const size = await measureSize(rows);
      log(`${rows} rows x ${MODELS.length} models: ${JSON.stringify(size)}`);
      sizes.push(size);
    }
    return { problems, callsMs: Math.ceil(problems / PLACES) * LATENCY_MS, times, sizes };
  } finally {
    removeFolder(folder);
  }
}

/** One run of each contender: it takes a minute, in which single calls hardly count. */
async function measureTimes(folder: string, problems: number, log: EvalBenchOptions["log"]): Promise<EvalTime[]> {
  const simulator = await startSimulatorProcess({ latency: { fixedMs: LATENCY_MS } });
  const promptfoo = process.env.PROMPTFOO;
  const contenders: Readonly<Record<string, (() => Promise<number>) | undefined>> = {
    "undici loop, nothing stored": () => runLoop(simulator, problems),
    "sluice eval": async () => (await runEval(folder, simulator, { models: MODELS.slice(0, 1) })).wallMs,
    promptfoo: promptfoo === undefined ? undefined : () => runPromptfoo(promptfoo, folder, simulator, problems),
  };
  const times: EvalTime[] = [];
  try {
    for (const [contender, run] of Object.entries(contenders)) {
      const wallMs = await run?.();
      if (wallMs !== undefined) log(`${contender}: ${number(wallMs / 1_000)} s`);
      times.push({ contender, wallMs });
    }
  } finally {
    await simulator.stop();
  }
  return times;
}

async function runLoop({ openaiUrl, apiKey }: SimulatorProcess, problems: number): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const loop = async () => {
    while (next < problems) {
      const body = JSON.stringify({ model: MODELS[0], messages: [{ role: "user", content: writeQuestion(next) }] });
      next += 1;
      const headers = { "content-type": "application/json", authorization: `Bearer ${apiKey}` };
      const response = await request(`${openaiUrl}/chat/completions`, { method: "POST", headers, body });
      if (response.statusCode !== 200) throw new Error(`the simulator answered ${response.statusCode}`);
      await response.body.json();
    }
  };
  await Promise.all(Array.from({ length: PLACES }, loop));
  return performance.now() - startedAt;
}

/** Writes the settings and the spec to `folder`, and runs `sluice eval` once. */
async function runEval(
  folder: string,
  { openaiUrl, apiKey }: SimulatorProcess,
  { models, concurrency = PLACES }: { models: readonly string[]; concurrency?: number },
) {
  const limits = { requestsPerMinute: 1_000_000, concurrency };
  const settings = {
    compatible: {
      local: {
        baseUrl: openaiUrl,
        apiKey,
        models: Object.fromEntries(models.map((model) => [model, { kind: "chat", limits }])),
      },
    },
  };
  const spec = {
    datasets: [{ path: "rows.jsonl", target: "answer", groups: ["topic"] }],
    prompts: [{ user: "{{ question }}" }],
    models: models.map((model) => `local/${model}`),
    scorers: { accuracy: "numeric" },
    baseline: `local/${models[0]}`,
  };
  // JSON is YAML.
  await writeFile(join(folder, "sluice.yaml"), JSON.stringify(settings));
  await writeFile(join(folder, "spec.yaml"), JSON.stringify(spec));
  const args = [SLUICE, "eval", "spec.yaml", "--out", OUT, "--workers", "2", "--json"];
  return await measureProcess(args, { cwd: folder, env: ENVIRONMENT });
}

/** Empty means unset: settings of the machine must not affect the benchmark. */
const ENVIRONMENT = { REDIS_URL: "", HTTPS_PROXY: "", SLUICE_CONFIG: "" };

/** `binary` is promptfoo's entry script. Its cache and telemetry are off, and it asserts nothing about the answers. */
async function runPromptfoo(
  binary: string,
  folder: string,
  { openaiUrl, apiKey }: SimulatorProcess,
  problems: number,
): Promise<number> {
  const config = {
    prompts: ["{{question}}"],
    providers: [{ id: `openai:chat:${MODELS[0]}`, config: { apiBaseUrl: openaiUrl, apiKey } }],
    tests: Array.from({ length: problems }, (_, n) => ({
      vars: { question: writeQuestion(n) },
      assert: [{ type: "contains", value: String(2 * n) }],
    })),
  };
  await writeFile(join(folder, "promptfooconfig.json"), JSON.stringify(config));
  const args = ["eval", "-c", "promptfooconfig.json", "--no-cache", "--no-table", "-j", String(PLACES)];
  const { wallMs } = await measureProcess([binary, ...args, "-o", "promptfoo.json"], {
    cwd: folder,
    env: {
      ...ENVIRONMENT,
      PROMPTFOO_CONFIG_DIR: join(folder, "promptfoo"),
      PROMPTFOO_DISABLE_TELEMETRY: "1",
      PROMPTFOO_DISABLE_UPDATE: "1",
      PROMPTFOO_DISABLE_REMOTE_GENERATION: "1",
      PROMPTFOO_FAILED_TEST_EXIT_CODE: "0",
    },
  });
  return wallMs;
}

async function measureSize(rows: number): Promise<EvalSize> {
  const folder = await makeFolder();
  const simulator = await startSimulatorProcess({});
  try {
    await writeRows(join(folder, "rows.jsonl"), rows);
    const run = await runEval(folder, simulator, { models: MODELS, concurrency: 64 });
    const score = await measureProcess([SLUICE, "score", OUT, "--json"], { cwd: folder, env: ENVIRONMENT });
    return {
      rows,
      evalMs: run.wallMs,
      evalRss: run.peakRss.command ?? 0,
      scoreMs: score.wallMs,
      scoreRss: score.peakRss.command ?? 0,
    };
  } finally {
    await simulator.stop();
    removeFolder(folder);
  }
}

function writeQuestion(n: number): string {
  return `A box holds 2 pens. How many pens do ${n} boxes hold? Answer with a number.`;
}

async function writeRows(path: string, rows: number): Promise<void> {
  const lines = Array.from({ length: rows }, (_, n) =>
    JSON.stringify({ id: `q-${n}`, question: writeQuestion(n), answer: String(2 * n), topic: `t${n % 10}` }),
  );
  await writeFile(path, `${lines.join("\n")}\n`);
}

export function describeEvalBench({ problems, callsMs, times, sizes }: EvalBenchResult): string {
  const timeLines = times.map(({ contender, wallMs }) =>
    wallMs === undefined
      ? [contender, "not measured: set PROMPTFOO to its entry script", "-"]
      : [contender, number(wallMs / 1_000), formatRatio(wallMs / callsMs)],
  );
  const sizeLines = sizes.map(({ rows, evalMs, evalRss, scoreMs, scoreRss }) => [
    `${number(rows)} x ${MODELS.length}`,
    number(evalMs / 1_000),
    formatMegabytes(evalRss),
    number(scoreMs / 1_000),
    formatMegabytes(scoreRss),
  ]);
  return [
    `### Evaluation: ${number(problems)} rows, ${PLACES} calls at once, ${number(LATENCY_MS)} ms per call`,
    "",
    `With all places taken all the time, the calls take ${number(callsMs / 1_000)} s. From the start of the command to the written results, one run each.`,
    "",
    formatMarkdownTable(["contender", "seconds", "of the time of the calls"], timeLines),
    "",
    `### Evaluation: memory of the command with ${MODELS.length} models and a simulator that answers at once`,
    "",
    formatMarkdownTable(["rows", "eval, s", "eval, peak RSS", "score, s", "score, peak RSS"], sizeLines),
  ].join("\n");
}
