// Runs the benchmarks and prints Markdown tables that compare Sluice with the alternatives.
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { benchApi, describeApi } from "./bench/api/api.ts";
import { benchBisection, describeBisection } from "./bench/bisection.ts";
import { benchCache, describeCache } from "./bench/cache.ts";
import { cleanUpAtExit } from "./bench/cleanup.ts";
import { benchCodecs, describeCodecs } from "./bench/codecs.ts";
import { assertPagesFast, benchDashboard, describeDashboard } from "./bench/dashboard.ts";
import { benchDisturbance, type Disturbance, describeDisturbance } from "./bench/disturbances.ts";
import { benchEval, describeEvalBench } from "./bench/eval.ts";
import { assertReportFast, benchEvalReport, describeEvalReport } from "./bench/eval-report.ts";
import { assertScoringFast, benchEvalScoring, describeEvalScoring } from "./bench/eval-scoring.ts";
import { assertItemsFast, benchItems, describeItems } from "./bench/items.ts";
import { benchJobs, describeJobs } from "./bench/jobs.ts";
import { benchLimit, describeLimit } from "./bench/limit.ts";
import { describeMachine, printMachine } from "./bench/machine.ts";
import { benchMemory, describeMemory } from "./bench/memory.ts";
import { benchStart, describeStart } from "./bench/start.ts";
import { benchStreams, describeStreams } from "./bench/streams.ts";
import { benchThroughput, describeThroughput } from "./bench/throughput.ts";

const USAGE = `usage: npm run bench -- [--only NAME[,NAME...]] [--quick] [--json FILE]

Runs benchmarks and prints their results as Markdown tables to stdout. Progress goes to stderr.
Requires Linux (/proc) and redis-server.

  throughput   texts per second of "sluice embed", compared with loops over the openai SDK, AI SDK, LangChain.js and undici
  limit        how much of a provider's rate limit is used, compared with Bottleneck and p-queue
  throttling   goodput when 0, 1, 4, and 10 % of the calls are refused although no limit is reached
  hanging      goodput when 0, 1, and 10 % of the calls are never answered
  memory       peak memory of every process and of Redis for small and large inputs
  codecs       CPU and memory of decoding responses, and many chat streams in one process
  jobs         chat jobs per second, compared with BullMQ alone
  streams      latency that Sluice adds to every delta of a stream
  dashboard    response times with 1,000,000 items in Redis, and the cost of open pages; fails above 50 ms (p95)
  cache        answers per second that the answer cache writes and finds, and its memory
  items        searches in a run of 1,000,000 items, its search index, and an export; fails above 200 ms CPU time
  bisection    calls of runs with 0.1 to 10 % bad inputs, compared with the minimum and with plain halving
  eval         time of an evaluation beside that of its calls and promptfoo, and the memory of large ones
  eval-scoring answers per second that scorers read and score; fails below 50,000 for exact and numeric
  eval-report  how fast the report of 10,000 rows opens and filters; fails above 2 s and 100 ms; needs Chromium
  api          what the HTTP API adds to a call, its requests per second, memory, and batches, beside a pass-through server
  start        start-up times, and recovery after a worker is killed

Options:
  --only NAME    run only these benchmarks, separated by commas (default: all)
  --quick        use fewer texts and rounds: faster, but too imprecise to publish
  --json FILE    also write the raw measurements to FILE
  -h, --help     show this help

Environment:
  SLUICE_REDIS_SERVER   path of the Redis server to start (default: redis-server)
  BENCH_JOBS            contenders of "jobs", separated by commas: client, batch, add, addBulk (default: all)
  BENCH_BEFORE          another checkout, whose answer cache "cache" measures too
  SLUICE_BROWSER        path of the browser of "eval-report" (default: /usr/bin/chromium)
  PROMPTFOO             entry script of promptfoo (dist/src/entrypoint.js of its package), which "eval" compares with
  BENCH_PROFILE         directory for CPU profiles of the child processes of "jobs" and "streams"
`;

interface Bench {
  run(
    quick: boolean,
    log: (line: string) => void,
  ): Promise<{
    readonly result: unknown;
    readonly text: string;
    /** Throws if a measurement misses its documented target. */
    readonly check?: () => void;
  }>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  throughput: {
    async run(quick, log) {
      const result = await benchThroughput({
        texts: quick ? 10_000 : 100_000,
        rounds: quick ? 2 : 3,
        concurrencies: [8, 16, 32],
        log,
      });
      return { result, text: describeThroughput(result) };
    },
  },
  limit: {
    async run(quick, log) {
      const result = await benchLimit({ quick, log });
      return { result, text: describeLimit(result) };
    },
  },
  throttling: disturbanceBench("throttling"),
  hanging: disturbanceBench("hanging"),
  memory: {
    async run(quick, log) {
      const result = await benchMemory({ quick, log });
      return { result, text: describeMemory(result) };
    },
  },
  codecs: {
    async run(quick, log) {
      const result = await benchCodecs({ quick, log });
      return { result, text: describeCodecs(result) };
    },
  },
  jobs: {
    async run(quick, log) {
      const result = await benchJobs({ quick, log });
      return { result, text: describeJobs(result) };
    },
  },
  streams: {
    async run(quick, log) {
      const result = await benchStreams({ quick, log });
      return { result, text: describeStreams(result) };
    },
  },
  dashboard: {
    async run(quick, log) {
      const result = await benchDashboard({ quick, log });
      return { result, text: describeDashboard(result), check: () => assertPagesFast(result) };
    },
  },
  cache: {
    async run(quick, log) {
      const result = await benchCache({ quick, log });
      return { result, text: describeCache(result) };
    },
  },
  items: {
    async run(quick, log) {
      const result = await benchItems({ quick, log });
      return { result, text: describeItems(result), check: () => assertItemsFast(result) };
    },
  },
  bisection: {
    async run(quick, log) {
      const result = await benchBisection({ quick, log });
      return { result, text: describeBisection(result) };
    },
  },
  eval: {
    async run(quick, log) {
      const result = await benchEval({ quick, log });
      return { result, text: describeEvalBench(result) };
    },
  },
  api: {
    async run(quick, log) {
      const result = await benchApi({ quick, log });
      return { result, text: describeApi(result) };
    },
  },
  "eval-scoring": {
    async run(quick, log) {
      const result = await benchEvalScoring({ quick, log });
      return { result, text: describeEvalScoring(result), check: () => assertScoringFast(result) };
    },
  },
  "eval-report": {
    async run(quick, log) {
      const result = await benchEvalReport({ quick, log });
      return { result, text: describeEvalReport(result), check: () => assertReportFast(result) };
    },
  },
  start: {
    async run(quick, log) {
      const result = await benchStart({ quick, log });
      return { result, text: describeStart(result) };
    },
  },
};

function disturbanceBench(disturbance: Disturbance): Bench {
  return {
    async run(quick, log) {
      const result = await benchDisturbance({ disturbance, quick, log });
      return { result, text: describeDisturbance(result) };
    },
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const names = values.only?.split(",") ?? Object.keys(BENCHES);
  const unknown = names.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) throw new Error(`unknown benchmark: ${unknown.join(", ")}\n\n${USAGE}`);
  cleanUpAtExit();
  const machine = describeMachine(loadavg()[0] ?? 0);
  process.stdout.write(`${printMachine(machine)}\n`);
  const results: Record<string, unknown> = { machine, quick: values.quick };
  for (const name of names) {
    const log = (line: string) => process.stderr.write(`[${name}] ${line}\n`);
    const bench = await BENCHES[name]?.run(values.quick, log);
    const { result, text = "" } = bench ?? {};
    results[name] = result;
    process.stdout.write(`\n${text}\n`);
    // Written after each benchmark, so that a later failure does not lose these results.
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
    bench?.check?.();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
