// Benchmark "streams": latency that queue, worker, Redis and client add to every delta, compared with a direct connection.
import { type BenchChild, startChild } from "./bench-child.ts";
import type { ReaderParams, ReaderResult } from "./contenders/streams-reader.ts";
import { countCommands, diffStats, type RedisStats, startBenchRedis } from "./redis-server.ts";
import { computeSpread, formatMarkdownTable, number } from "./table.ts";

export interface StreamsOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface StreamsRun extends ReaderResult {
  readonly reader: "direct" | "sluice";
  readonly redis: RedisStats;
}

export interface StreamsResult {
  readonly runs: readonly StreamsRun[];
  readonly deltas: number;
  readonly everyMs: number;
}

const READERS = 50;
const DELTAS = 100;
/** 30 deltas per second: the speed of a fast model. */
const EVERY_MS = 33;

export async function benchStreams({ quick, log }: StreamsOptions): Promise<StreamsResult> {
  const rounds = quick ? 2 : 5;
  const params: ReaderParams = { slots: READERS, each: quick ? 1 : 3 };
  const redis = await startBenchRedis();
  const children: BenchChild[] = [];
  const start = async (file: string, setup: object) => {
    const child = await startChild(file, setup);
    children.unshift(child);
    return child;
  };
  try {
    const upstream = await start("stamping-upstream.ts", { deltas: DELTAS, everyMs: EVERY_MS });
    const setup = {
      redisUrl: redis.url,
      namespace: "bench-streams",
      upstream: await upstream.sendRequest<string>("url"),
    };
    await start("streams-worker.ts", setup);
    const readers = {
      direct: await start("streams-reader.ts", { ...setup, kind: "direct" }),
      sluice: await start("streams-reader.ts", { ...setup, kind: "sluice" }),
    };
    const runs: StreamsRun[] = [];
    // The first round compiles the code and opens the connections, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const reader of ["direct", "sluice"] as const) {
        const before = await redis.stats();
        const result = await readers[reader].sendRequest<ReaderResult>(round === 0 ? { ...params, each: 1 } : params);
        if (round === 0) continue;
        runs.push({ reader, ...result, redis: diffStats(before, await redis.stats()) });
        const [p50, p99] = [computeQuantile(result.delays, 0.5), computeQuantile(result.delays, 0.99)];
        log(`round ${round}, ${reader}: per delta p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`);
      }
    }
    return { runs, deltas: DELTAS, everyMs: EVERY_MS };
  } finally {
    for (const child of children) await child.stop();
    await redis.stop();
  }
}

function computeQuantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const milliseconds = (micros: number) => `${number(micros / 1000)} ms`;

export function describeStreams({ runs, deltas, everyMs }: StreamsResult): string {
  const runsOf = (reader: string) => runs.filter((run) => run.reader === reader);
  const deltaCount = runsOf("sluice").reduce((sum, run) => sum + run.delays.length, 0);
  /** The median of the rounds' quantiles, so that one disturbed round does not affect the result. */
  const medianQuantile = (reader: string, metric: "firsts" | "delays", share: number) =>
    computeSpread(runsOf(reader).map((run) => computeQuantile(run[metric], share))).median;
  const line = (name: string, metric: "firsts" | "delays", share: number) => {
    const [direct, sluice] = [medianQuantile("direct", metric, share), medianQuantile("sluice", metric, share)];
    return [name, milliseconds(direct), milliseconds(sluice), milliseconds(sluice - direct)];
  };
  const perDelta = (metric: (stats: RedisStats) => number) => {
    const sum = runsOf("sluice").reduce((total, run) => total + metric(run.redis), 0);
    return number(sum / deltaCount);
  };
  return [
    `### Streams: ${READERS} concurrent streams, ${Math.round(1000 / everyMs)} deltas per second each`,
    "",
    formatMarkdownTable(
      ["latency", "direct", "through Sluice", "added"],
      [
        line("request to first delta, p50", "firsts", 0.5),
        line("request to first delta, p99", "firsts", 0.99),
        line("upstream's write to reader, every delta, p50", "delays", 0.5),
        line("upstream's write to reader, every delta, p99", "delays", 0.99),
      ],
    ),
    "",
    `Redis, per delta: ${perDelta((stats) => countCommands(stats).scripts)} scripts, ${perDelta((stats) => countCommands(stats).all)} commands (including those in scripts), ${perDelta((stats) => stats.bytesIn)} bytes in, ${perDelta((stats) => stats.bytesOut)} bytes out.`,
    "",
    `Medians of ${runsOf("sluice").length} interleaved rounds; ${deltaCount.toLocaleString("en-US")} deltas per path, in streams of ${deltas}. Each delta contains the time at which the upstream wrote it. Upstream, worker, Redis and reader are separate processes; both paths decode with the same adapter.`,
  ].join("\n");
}
