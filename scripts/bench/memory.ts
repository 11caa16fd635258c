// Benchmark "memory": checks that memory does not grow with the size of the corpus.
import { readdirSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { writeCorpus } from "./corpus.ts";
import { startSimulatorProcess } from "./simulator-process.ts";
import { runEmbedCommand } from "./sluice-command.ts";
import { formatMarkdownTable, formatMegabytes, formatRatio, number } from "./table.ts";

export interface MemoryOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

interface CorpusSize {
  readonly texts: number;
  readonly format: "npy" | "parquet";
}

export interface MemoryResult extends CorpusSize {
  /** The reason why this size was skipped. */
  readonly skipped?: string;
  readonly wallMs: number;
  readonly peakRss: Readonly<Record<string, number>>;
  readonly redisMemory: number;
  readonly redisDisk: number;
}

const WORKERS = 2;
const ROLES = ["command", "planner", "worker", "redis-server", "supervisor"];

export async function benchMemory({ quick, log }: MemoryOptions): Promise<MemoryResult[]> {
  const sizes: CorpusSize[] = quick
    ? [
        { texts: 10_000, format: "npy" },
        { texts: 10_000, format: "parquet" },
        { texts: 50_000, format: "npy" },
      ]
    : [
        { texts: 100_000, format: "npy" },
        { texts: 100_000, format: "parquet" },
        { texts: 1_000_000, format: "npy" },
      ];
  const results: MemoryResult[] = [];
  for (const size of sizes) {
    const result = await measureSize(size);
    log(`${size.texts} ${size.format}: ${result.skipped ?? JSON.stringify(result.peakRss)}`);
    results.push(result);
  }
  return results;
}

async function measureSize(size: CorpusSize): Promise<MemoryResult> {
  const { texts, format } = size;
  // The vectors, their copy in Parquet, the items file, and Redis's append-only file with its rewrite.
  const needed = texts * (1536 * 4 * (format === "parquet" ? 2 : 1) + 600) + 1.5e9;
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < needed) {
    const skipped = `skipped: ${number(needed / 1e9)} GB needed in ${tmpdir()}, ${number((bavail * bsize) / 1e9)} GB free`;
    return { ...size, skipped, wallMs: 0, peakRss: {}, redisMemory: 0, redisDisk: 0 };
  }
  const folder = await makeFolder();
  const corpus = join(folder, "texts.jsonl");
  await writeCorpus(corpus, texts);
  const simulator = await startSimulatorProcess({ vectors: "fixed" });
  const redis = sampleRedis(join(folder, ".sluice", "redis"));
  try {
    const { wallMs, peakRss } = await runEmbedCommand(
      { simulator, corpus, format, workers: WORKERS, limits: { requestsPerMinute: 100_000_000 } },
      { folder },
    );
    return { ...size, wallMs, peakRss, ...redis.peaks() };
  } finally {
    redis.stop();
    await simulator.stop();
    removeFolder(folder);
  }
}

/** Samples the memory and disk use of a private Redis 4 times a second, from its start on. */
function sampleRedis(folder: string) {
  const peaks = { redisMemory: 0, redisDisk: 0 };
  let client: Redis | undefined;
  const takeSample = async () => {
    peaks.redisDisk = Math.max(peaks.redisDisk, measureFolderBytes(join(folder, "data")));
    if (!client) {
      statSync(join(folder, "redis.sock"));
      client = new Redis({ path: join(folder, "redis.sock"), retryStrategy: () => null });
      client.on("error", () => undefined);
    }
    const used = /used_memory_peak:(\d+)/.exec(await client.info("memory"))?.[1];
    peaks.redisMemory = Math.max(peaks.redisMemory, Number(used ?? 0));
  };
  // Errors are expected before the server starts and after it stops.
  const timer = setInterval(() => void takeSample().catch(() => undefined), 250);
  return {
    peaks: () => peaks,
    stop() {
      clearInterval(timer);
      client?.disconnect();
    },
  };
}

function measureFolderBytes(folder: string): number {
  let bytes = 0;
  for (const each of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (each.isFile()) bytes += statSync(join(each.parentPath, each.name)).size;
  }
  return bytes;
}

export function describeMemory(results: readonly MemoryResult[]): string {
  const lines = results.map(({ texts, format, skipped, wallMs, peakRss, redisMemory, redisDisk }) => [
    `${texts.toLocaleString("en-US")} texts, ${format}`,
    ...(skipped === undefined
      ? [
          ...ROLES.map((role) => formatMegabytes(peakRss[role])),
          formatMegabytes(redisMemory),
          formatMegabytes(redisDisk),
          number((texts / wallMs) * 1000),
        ]
      : [skipped, ...Array.from({ length: ROLES.length + 2 }, () => "-")]),
  ]);
  return [
    "### Memory: 1,536 floats per text, private Redis, 2 workers",
    "",
    formatMarkdownTable(
      ["run", ...ROLES.map((role) => `${role}, peak RSS`), "Redis used_memory, peak", "Redis on disk, peak", "texts/s"],
      lines,
    ),
    "",
    ...describeFlatness(results),
  ].join("\n");
}

function describeFlatness(results: readonly MemoryResult[]): string[] {
  const measured = results.filter(({ format, skipped }) => format === "npy" && skipped === undefined);
  const [small, large] = [measured[0], measured.at(-1)];
  if (!small || !large || small === large) return [];
  const parts = ROLES.map((role) => `${role} ${formatRatio((large.peakRss[role] ?? 0) / (small.peakRss[role] ?? 0))}`);
  return [
    `Peaks with ${large.texts.toLocaleString("en-US")} texts, relative to ${small.texts.toLocaleString("en-US")}: ${parts.join(", ")}, Redis used_memory ${formatRatio(large.redisMemory / small.redisMemory)}.`,
  ];
}
