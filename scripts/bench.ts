// Benches of throughput, limit use, memory and start-up, side by side with the alternatives; prints Markdown tables.
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { cleanUpAtExit } from "./bench/cleanup.ts";
import { benchCodecs, describeCodecs } from "./bench/codecs.ts";
import { assertPagesFast, benchDashboard, describeDashboard } from "./bench/dashboard.ts";
import { benchJobs, describeJobs } from "./bench/jobs.ts";
import { benchLimit, describeLimit } from "./bench/limit.ts";
import { describeMachine, printMachine } from "./bench/machine.ts";
import { benchMemory, describeMemory } from "./bench/memory.ts";
import { benchStart, describeStart } from "./bench/start.ts";
import { benchStreams, describeStreams } from "./bench/streams.ts";
import { benchThroughput, describeThroughput } from "./bench/throughput.ts";

const USAGE = `usage: npm run bench -- [--only <name>] [--quick] [--json <file>]

  --only <name>   throughput, limit, memory, codecs, jobs, streams, dashboard or start; several separated by commas; default: all
  --quick         fewer texts and rounds: for a look, not for the record
  --json <file>   write the raw figures there as well
  --help          this text

Tables go to standard output, progress to standard error. Needs Linux (/proc) and a redis-server.
`;

interface Bench {
  run(
    quick: boolean,
    log: (line: string) => void,
  ): Promise<{
    readonly result: unknown;
    readonly text: string;
    /** Throws when what was measured is not what is promised. */
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
  start: {
    async run(quick, log) {
      const result = await benchStart({ quick, log });
      return { result, text: describeStart(result) };
    },
  },
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const names = values.only?.split(",") ?? Object.keys(BENCHES);
  const unknown = names.filter((name) => !(name in BENCHES));
  if (unknown.length > 0) throw new Error(`no bench is called ${unknown.join(", ")}\n\n${USAGE}`);
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
    // After each bench: what was measured is not lost when a later one fails.
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
