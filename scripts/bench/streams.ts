// Streams: what queue, worker, Redis and client add to the time of every delta, beside a direct connection.
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
/** As fast as a quick model writes: 30 a second. */
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
    const source = await start("stamping-upstream.ts", { deltas: DELTAS, everyMs: EVERY_MS });
    const setup = {
      redisUrl: redis.url,
      namespace: "bench-streams",
      upstream: await source.sendRequest<string>("where"),
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
        const [half, most] = [computeQuantile(result.delays, 0.5), computeQuantile(result.delays, 0.99)];
        log(`round ${round}, ${reader}: per delta p50 ${milliseconds(half)}, p99 ${milliseconds(most)}`);
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
  const of = (reader: string) => runs.filter((run) => run.reader === reader);
  const times = (reader: string, metric: "firsts" | "delays") => of(reader).flatMap((run) => run[metric]);
  /** Of the rounds' own quantiles the median: one round that something else disturbed says nothing of the others. */
  const typical = (reader: string, metric: "firsts" | "delays", share: number) =>
    computeSpread(of(reader).map((run) => computeQuantile(run[metric], share))).median;
  const line = (name: string, metric: "firsts" | "delays", share: number) => {
    const [direct, sluice] = [typical("direct", metric, share), typical("sluice", metric, share)];
    return [name, milliseconds(direct), milliseconds(sluice), milliseconds(sluice - direct)];
  };
  const perDelta = (metric: (stats: RedisStats) => number) => {
    const sum = of("sluice").reduce((all, run) => all + metric(run.redis), 0);
    return number(sum / times("sluice", "delays").length);
  };
  return [
    `### Streams: ${READERS} at once, ${Math.round(1000 / everyMs)} deltas a second each`,
    "",
    formatMarkdownTable(
      ["time", "direct", "through Sluice", "added"],
      [
        line("question to first delta, p50", "firsts", 0.5),
        line("question to first delta, p99", "firsts", 0.99),
        line("upstream's write to reader, every delta, p50", "delays", 0.5),
        line("upstream's write to reader, every delta, p99", "delays", 0.99),
      ],
    ),
    "",
    `Redis, per delta: ${perDelta((stats) => countCommands(stats).scripts)} scripts, ${perDelta((stats) => countCommands(stats).all)} commands with those in scripts, ${perDelta((stats) => stats.bytesIn)} bytes in, ${perDelta((stats) => stats.bytesOut)} bytes out.`,
    "",
    `${of("sluice").length} interleaved rounds, of whose figures these are the medians; ${times("sluice", "delays").length.toLocaleString("en-US")} deltas each way in streams of ${deltas}. Each delta carries the moment at which the upstream wrote it. Upstream, worker, Redis and reader are processes of their own; both ways decode with the same adapter.`,
  ].join("\n");
}
