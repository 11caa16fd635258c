// Benchmark "limit": how much of a provider's rate limit is used, and how many calls the provider rejects.
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SimulatorSettingsPatch } from "#src/simulator/settings.ts";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { BATCH } from "./contenders/contender.ts";
import type { LimitedParams, LimiterName } from "./contenders/limited.ts";
import { writeCorpus } from "./corpus.ts";
import { measureProcess } from "./measure-process.ts";
import { type SimulatorProcess, type SimulatorReport, startSimulatorProcess } from "./simulator-process.ts";
import { runEmbedCommand } from "./sluice-command.ts";
import { formatMarkdownTable, number } from "./table.ts";

export interface LimitOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

type SimulatorLimits = NonNullable<SimulatorSettingsPatch["limits"]>;

interface Case {
  readonly name: string;
  readonly limit: string;
  readonly calls: number;
  readonly simulatorLimits: SimulatorLimits;
  /** The shortest time that the limit allows for the calls that the simulator received, in ms. */
  readonly optimumMs: (report: SimulatorReport) => number;
  /** The maximum of the limited quantity. Includes rejected calls if the simulator counts them. */
  readonly reached: (report: SimulatorReport) => string;
  /** The contender makes calls all the time, instead of waiting for the next window. */
  readonly isNeverIdle?: true;
  run(simulator: SimulatorProcess, corpus: string, calls: number): Promise<unknown>;
}

export interface LimitResult {
  readonly name: string;
  readonly limit: string;
  readonly calls: number;
  /** More than `calls` if some calls were not full or were made twice. */
  readonly answered: number;
  readonly tookMs: number;
  readonly optimumMs: number;
  readonly rejections: number;
  readonly reached: string;
}

const LATENCY_MS = 200;
const PER_MINUTE = 600;
const TOKENS_PER_MINUTE = 100_000;
const CONCURRENCY = 8;
const WORKERS = 4;

/** Delay between the starts of two contenders: on few cores, processes that start together slow each other's first calls. */
const START_STAGGER_MS = 7_000;

/**
 * Each contender has its own simulator. Contenders that wait for a window most of the time run concurrently. Those that
 * make calls all the time run alone; otherwise they would slow the others at the start of their windows.
 */
export async function benchLimit({ quick, log }: LimitOptions): Promise<LimitResult[]> {
  const folder = await makeFolder();
  const corpus = join(folder, "texts.jsonl");
  const cases = listCases(quick ? 700 : 1_150);
  await writeCorpus(corpus, Math.max(...cases.map(({ calls }) => calls)) * BATCH);
  const run = async (each: Case) => {
    const result = await runCase(each, corpus);
    log(`${each.name}, ${each.limit}: ${number(result.tookMs / 1000)} s, ${result.rejections} rejections`);
    return result;
  };
  try {
    const results = await Promise.all(
      cases
        .filter(({ isNeverIdle }) => !isNeverIdle)
        .map(async (each, index) => {
          await setTimeout(index * START_STAGGER_MS);
          return await run(each);
        }),
    );
    for (const each of cases.filter(({ isNeverIdle }) => isNeverIdle)) results.push(await run(each));
    return results;
  } finally {
    removeFolder(folder);
  }
}

async function runCase(each: Case, corpus: string): Promise<LimitResult> {
  const { name, limit, calls } = each;
  const simulator = await startSimulatorProcess({
    vectors: "fixed",
    latency: { fixedMs: LATENCY_MS },
    limits: each.simulatorLimits,
  });
  try {
    await each.run(simulator, corpus, calls);
    const report = await simulator.report();
    const { throttled, answered } = report.statistics;
    if (answered < calls) throw new Error(`${name}: ${answered} calls answered, ${calls} expected`);
    return {
      name,
      limit,
      calls,
      answered,
      // The last call to arrive is answered one latency later.
      tookMs: report.spanMs + LATENCY_MS,
      optimumMs: each.optimumMs(report),
      rejections: throttled.requests + throttled.tokens + throttled.concurrency,
      reached: each.reached(report),
    };
  } finally {
    await simulator.stop();
  }
}

function listCases(calls: number): Case[] {
  const requests = {
    limit: `${PER_MINUTE} requests in any 60 s`,
    calls,
    simulatorLimits: { requestsPerWindow: PER_MINUTE },
    reached: ({ statistics }: SimulatorReport) => `${statistics.max.arrivalsInWindow} requests`,
  };
  const burstMs = () => Math.floor((calls - 1) / PER_MINUTE) * 60_000 + LATENCY_MS;
  const evenMs = () => ((calls - 1) * 60_000) / PER_MINUTE + LATENCY_MS;
  const sluice = (name: string, pacing: string, limits: Record<string, number | string>) => ({
    name: `sluice embed, ${WORKERS} workers${name}`,
    run: (simulator: SimulatorProcess, corpus: string, count: number) =>
      runEmbedCommand({
        simulator,
        corpus,
        format: "npy",
        workers: WORKERS,
        limits: { pacing, ...limits },
        limit: count * BATCH,
      }),
  });
  const library = (name: string, limiter: LimiterName) => ({
    name,
    run: ({ url, apiKey }: SimulatorProcess, corpus: string, count: number) => {
      const params: LimitedParams = {
        limiter,
        requestsPerMinute: PER_MINUTE,
        texts: count * BATCH,
        concurrency: CONCURRENCY,
        url,
        apiKey,
        corpus,
      };
      const script = fileURLToPath(new URL("contenders/limited.ts", import.meta.url));
      return measureProcess([script, JSON.stringify(params)]);
    },
  });
  const perMinute = { requestsPerMinute: PER_MINUTE };
  const concurrent = {
    limit: `${CONCURRENCY} concurrent calls`,
    isNeverIdle: true as const,
    calls: 800,
    simulatorLimits: { concurrency: CONCURRENCY },
    optimumMs: () => (800 / CONCURRENCY) * LATENCY_MS,
    reached: ({ statistics }: SimulatorReport) => `${statistics.max.concurrency} concurrent`,
  };
  return [
    { ...requests, ...sluice(", burst", "burst", perMinute), optimumMs: burstMs },
    { ...requests, ...library("Bottleneck, reservoir", "bottleneck-burst"), optimumMs: burstMs },
    { ...requests, ...library("p-queue, intervalCap", "p-queue"), optimumMs: burstMs },
    { ...requests, ...sluice(", even", "even", perMinute), optimumMs: evenMs },
    { ...requests, ...library("Bottleneck, minTime", "bottleneck-paced"), optimumMs: evenMs },
    {
      ...sluice(", burst", "burst", { requestsPerMinute: 1_000_000, tokensPerMinute: TOKENS_PER_MINUTE }),
      limit: `${TOKENS_PER_MINUTE.toLocaleString("en-US")} tokens in any 60 s`,
      calls: 500,
      simulatorLimits: { tokensPerWindow: TOKENS_PER_MINUTE },
      optimumMs: ({ statistics }) => Math.floor((statistics.tokens - 1) / TOKENS_PER_MINUTE) * 60_000 + LATENCY_MS,
      reached: ({ statistics }) => `${statistics.max.tokensInWindow.toLocaleString("en-US")} tokens`,
    },
    {
      ...concurrent,
      ...sluice("", "burst", { requestsPerMinute: 1_000_000, concurrency: CONCURRENCY }),
    },
    { ...concurrent, ...library("p-queue, concurrency", "p-queue-concurrency") },
  ];
}

export function describeLimit(results: readonly LimitResult[]): string {
  const lines = results.map(({ name, limit, calls, answered, tookMs, optimumMs, rejections, reached }) => [
    name,
    limit,
    answered === calls ? number(calls) : `${number(answered)} instead of ${number(calls)}`,
    number(tookMs / 1000),
    number(optimumMs / 1000),
    `${((tookMs / optimumMs - 1) * 100).toFixed(1)} %`,
    String(rejections),
    reached,
  ]);
  return [
    `### Limit use: calls of ${LATENCY_MS} ms against a simulator that enforces its limit`,
    "",
    formatMarkdownTable(
      ["contender", "limit", "calls", "seconds", "optimum", "above optimum", "rejections", "maximum reached"],
      lines,
    ),
    "",
    `One run each, each against its own simulator. Contenders with a limit per window start ${START_STAGGER_MS / 1000} s apart and run concurrently, because they are idle most of the time; the others run alone. Seconds are measured from the arrival of the first call to the last response. The optimum spends each window at its start (burst), spaces calls evenly (even), or starts the next call as soon as one ends (concurrent calls); the simulator itself takes some milliseconds more than its ${LATENCY_MS} ms. "Maximum reached" includes rejected requests. Bottleneck and p-queue run in one process and retry a rejected call after one second; Sluice shares its limits between ${WORKERS} worker processes.`,
  ].join("\n");
}
