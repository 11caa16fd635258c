// Benchmark "jobs": one-item chat jobs per second from submission to result, compared with a BullMQ worker that does nothing.
import { join } from "node:path";
import { type BenchChild, startChild } from "./bench-child.ts";
import { makeFolder, removeFolder } from "./cleanup.ts";
import type { SubmitterKind } from "./contenders/jobs-submitter.ts";
import { type BenchRedis, countCommands, diffStats, type RedisStats, startBenchRedis } from "./redis-server.ts";
import { computeSpread, formatMarkdownTable, formatRatio, formatSpread, number } from "./table.ts";

export interface JobsOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface JobsRun {
  readonly contender: string;
  readonly jobs: number;
  readonly wallMs: number;
  readonly workerCpuMs: number;
  readonly submitterCpuMs: number;
  readonly redis: RedisStats;
}

export interface JobsResult {
  readonly runs: readonly JobsRun[];
}

interface Contender {
  readonly name: string;
  readonly kind: SubmitterKind;
  /** The contender that does the same with BullMQ alone. */
  readonly baseline?: string;
}

const CONTENDERS: readonly Contender[] = [
  { name: "BullMQ, `add` one by one", kind: "add" },
  { name: "sluice, client library", kind: "client", baseline: "BullMQ, `add` one by one" },
  { name: "BullMQ, `addBulk`", kind: "addBulk" },
  { name: "sluice, batch file", kind: "batch", baseline: "BullMQ, `addBulk`" },
];

interface Pair extends Contender {
  readonly worker: BenchChild;
  readonly submitter: BenchChild;
}

export async function benchJobs({ quick, log }: JobsOptions): Promise<JobsResult> {
  const jobs = quick ? 10_000 : 20_000;
  const rounds = quick ? 2 : 5;
  const requested = process.env.BENCH_JOBS?.split(",");
  const redis = await startBenchRedis();
  const folder = await makeFolder();
  const pairs: Pair[] = [];
  try {
    for (const contender of CONTENDERS) {
      if (requested && !requested.includes(contender.kind)) continue;
      pairs.push(await startPair(contender, redis, folder));
    }
    const runs: JobsRun[] = [];
    // The first round compiles the code of all processes and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const pair of pairs) {
        const run = await runOnce(pair, redis, round === 0 ? Math.min(jobs, 5_000) : jobs);
        if (round === 0) continue;
        runs.push(run);
        log(`round ${round}, ${pair.kind}: ${number((run.jobs / run.wallMs) * 1000)} jobs/s`);
      }
    }
    return { runs };
  } finally {
    for (const { submitter, worker } of pairs) {
      await submitter.stop();
      await worker.stop();
    }
    await redis.stop();
    removeFolder(folder);
  }
}

async function startPair(contender: Contender, redis: BenchRedis, folder: string): Promise<Pair> {
  const { kind } = contender;
  const setup = { redisUrl: redis.url, namespace: `bench-${kind}` };
  const worker = await startChild("jobs-worker.ts", { ...setup, isBare: contender.baseline === undefined });
  const submitter = await startChild("jobs-submitter.ts", { ...setup, kind, folder: join(folder, kind) });
  return { ...contender, worker, submitter };
}

/** Measures from the first submission to the last result. BullMQ alone has no results: its last completed job ends the measurement. */
async function runOnce(pair: Pair, redis: BenchRedis, jobs: number): Promise<JobsRun> {
  const { submitter, worker } = pair;
  await submitter.sendRequest({ step: "prepare", jobs });
  const before = await redis.stats();
  const [workerCpu, submitterCpu] = [worker.cpuMs(), submitter.cpuMs()];
  const startedAt = performance.now();
  const completed = worker.sendRequest(jobs);
  await Promise.all([submitter.sendRequest({ step: "go", jobs }), completed]);
  const wallMs = performance.now() - startedAt;
  return {
    contender: pair.name,
    jobs,
    wallMs,
    workerCpuMs: worker.cpuMs() - workerCpu,
    submitterCpuMs: submitter.cpuMs() - submitterCpu,
    redis: diffStats(before, await redis.stats()),
  };
}

export function describeJobs({ runs }: JobsResult): string {
  const runsOf = (name: string) => runs.filter(({ contender }) => contender === name);
  const speeds = (name: string) => runsOf(name).map(({ jobs, wallMs }) => (jobs / wallMs) * 1000);
  const perJob = (name: string, metric: (run: JobsRun) => number) =>
    number(computeSpread(runsOf(name).map((run) => metric(run) / run.jobs)).median);
  const contenders = CONTENDERS.filter(({ name }) => runsOf(name).length > 0);
  return [
    "### Jobs: one-item chat jobs from submission to result; the upstream answers immediately",
    "",
    formatMarkdownTable(
      ["contender", "jobs/s", "relative to BullMQ alone", "CPU per job: worker", "submitter", "Redis"],
      contenders.map(({ name, baseline }) => [
        name,
        formatSpread(speeds(name)),
        baseline === undefined
          ? "1.00x"
          : formatRatio(computeSpread(speeds(name)).median / computeSpread(speeds(baseline)).median),
        `${perJob(name, (run) => run.workerCpuMs * 1000)} µs`,
        `${perJob(name, (run) => run.submitterCpuMs * 1000)} µs`,
        `${perJob(name, (run) => run.redis.cpuMs * 1000)} µs`,
      ]),
    ),
    "",
    formatMarkdownTable(
      ["Redis, per job", "scripts", "commands, including those in scripts", "bytes in", "bytes out"],
      contenders.map(({ name }) => [
        name,
        perJob(name, (run) => countCommands(run.redis).scripts),
        perJob(name, (run) => countCommands(run.redis).all),
        perJob(name, (run) => run.redis.bytesIn),
        perJob(name, (run) => run.redis.bytesOut),
      ]),
    ),
    "",
    `Medians of ${runsOf(contenders[0]?.name ?? "").length} interleaved rounds of ${(runs[0]?.jobs ?? 0).toLocaleString("en-US")} jobs. Each contender has one submitter and one worker process; all share one append-only Redis, and their jobs carry the same bytes. BullMQ alone stores and reads no results. Sluice registers the item, claims it, takes a reservation, and commits the record, and the submitter reads it (client library: 1,000 items in flight; batch file: from reading the file to writing the responses).`,
  ].join("\n");
}
