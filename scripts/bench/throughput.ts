// Benchmark "throughput": texts per second of `sluice embed`, compared with in-memory loops that make the same calls.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { BATCH, type ContenderParams } from "./contenders/contender.ts";
import { writeCorpus } from "./corpus.ts";
import { measureProcess, type ProcessCost } from "./measure-process.ts";
import { type SimulatorProcess, startSimulatorProcess } from "./simulator-process.ts";
import { runEmbedCommand } from "./sluice-command.ts";
import { computeSpread, formatMarkdownTable, formatMegabytes, formatRatio, formatSpread, number } from "./table.ts";

export interface ThroughputOptions {
  readonly texts: number;
  readonly rounds: number;
  /** Numbers of calls in flight to try. Each contender then runs with its fastest one. */
  readonly concurrencies: readonly number[];
  readonly log: (line: string) => void;
}

interface Sample {
  /** From the start of the process to its end, in ms. */
  readonly wallMs: number;
  /** From the arrival of the first call at the simulator to the end of the process: excludes start-up and planning. */
  readonly workMs: number;
  readonly cpuMs: number;
  readonly peakRss: Readonly<Record<string, number>>;
  /** CPU time of the simulator between the first and the last call, as a share of one core. */
  readonly simulatorLoad: number;
}

interface Contender {
  readonly name: string;
  readonly isLibrary: boolean;
  readonly hasDefaultConcurrency: boolean;
  run(texts: number, concurrency: number): Promise<ProcessCost>;
}

export interface ThroughputResult {
  readonly texts: number;
  readonly rounds: number;
  readonly contenders: readonly {
    readonly name: string;
    readonly concurrency: number;
    readonly samples: readonly Sample[];
  }[];
}

const WORKERS = 2;
/** For loops that keep all vectors in memory as JavaScript numbers: the AI SDK runs out of memory at 100,000 texts without it. */
const LARGE_HEAP = "--max-old-space-size=16000";
/** Far above what a machine can reach, so that the measurement includes the cost of the limiter but never waits for it. */
const NO_LIMIT = { requestsPerMinute: 100_000_000 };

export async function benchThroughput(options: ThroughputOptions): Promise<ThroughputResult> {
  const { texts, rounds, concurrencies, log } = options;
  const folder = await makeFolder();
  const corpus = join(folder, "texts.jsonl");
  await writeCorpus(corpus, texts);
  const simulator = await startSimulatorProcess({ vectors: "fixed" });
  try {
    const contenders = listContenders(simulator, corpus);
    const best = new Map<Contender, number>();
    for (const contender of contenders) {
      best.set(contender, await findBestConcurrency(contender, simulator, options));
      log(`${contender.name}: ${label(best.get(contender) ?? 0)} calls in flight, best of ${concurrencies.join(", ")}`);
    }
    const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const contender of contenders) {
        const sample = await runOnce(contender, simulator, texts, best.get(contender) ?? 0);
        samples.get(contender)?.push(sample);
        log(
          `round ${round}/${rounds} ${contender.name}: ${number((texts / sample.wallMs) * 1000)} texts/s, ` +
            `${number((sample.cpuMs / texts) * 1000)} µs CPU/text`,
        );
      }
    }
    return {
      texts,
      rounds,
      contenders: contenders.map((contender) => ({
        name: contender.name,
        concurrency: best.get(contender) ?? 0,
        samples: samples.get(contender) ?? [],
      })),
    };
  } finally {
    await simulator.stop();
    removeFolder(folder);
  }
}

function listContenders(simulator: SimulatorProcess, corpus: string): Contender[] {
  const { url, openaiUrl, apiKey } = simulator;
  const loop = (name: string, file: string, base: string, hasDefaultConcurrency = false): Contender => ({
    name,
    isLibrary: base === openaiUrl,
    hasDefaultConcurrency,
    run: (texts, concurrency) => {
      const params: ContenderParams = { texts, concurrency, url: base, apiKey, corpus };
      const script = fileURLToPath(new URL(`contenders/${file}.ts`, import.meta.url));
      return measureProcess([LARGE_HEAP, script, JSON.stringify(params)]);
    },
  });
  const sluice = (format: "npy" | "parquet"): Contender => ({
    name: `sluice embed, ${format}`,
    isLibrary: false,
    hasDefaultConcurrency: false,
    run: (texts, concurrency) =>
      runEmbedCommand({
        simulator,
        corpus,
        format,
        workers: WORKERS,
        callsPerWorker: Math.ceil(concurrency / WORKERS),
        limits: NO_LIMIT,
        limit: texts,
      }),
  });
  return [
    sluice("npy"),
    sluice("parquet"),
    loop("LangChain.js embedDocuments", "langchain", openaiUrl, true),
    loop("AI SDK embedMany", "ai-sdk", openaiUrl, true),
    loop("openai SDK + p-queue", "openai-p-queue", openaiUrl),
    loop("bare undici loop", "undici", url),
  ];
}

/** Finds the concurrency with which a contender is fastest on a quarter of the texts. Also tries the library's default (0). */
async function findBestConcurrency(
  contender: Contender,
  simulator: SimulatorProcess,
  { texts, concurrencies }: ThroughputOptions,
): Promise<number> {
  const part = Math.ceil(texts / 4);
  let best = { concurrency: concurrencies[0] ?? 16, workMs: Number.POSITIVE_INFINITY };
  for (const concurrency of contender.hasDefaultConcurrency ? [...concurrencies, 0] : concurrencies) {
    const { workMs } = await runOnce(contender, simulator, part, concurrency);
    if (workMs < best.workMs) best = { concurrency, workMs };
  }
  return best.concurrency;
}

async function runOnce(
  contender: Contender,
  simulator: SimulatorProcess,
  texts: number,
  concurrency: number,
): Promise<Sample> {
  await simulator.reset();
  const cost = await contender.run(texts, concurrency);
  const endedAt = performance.timeOrigin + performance.now();
  const { statistics, firstCallAt, spanMs, cpuMs } = await simulator.report();
  if (statistics.texts !== texts || statistics.calls !== Math.ceil(texts / BATCH)) {
    throw new Error(`${contender.name}: ${texts} texts in full calls expected, got ${JSON.stringify(statistics)}`);
  }
  return {
    wallMs: cost.wallMs,
    workMs: endedAt - firstCallAt,
    cpuMs: cost.cpuMs,
    peakRss: cost.peakRss,
    simulatorLoad: cpuMs / spanMs,
  };
}

function label(concurrency: number): string {
  return concurrency === 0 ? "unlimited (the default)" : String(concurrency);
}

export function describeThroughput({ texts, rounds, contenders }: ThroughputResult): string {
  const rate = (samples: readonly Sample[], of: "wallMs" | "workMs") =>
    samples.map((sample) => (texts / sample[of]) * 1000);
  const cpu = (samples: readonly Sample[]) => samples.map((sample) => (sample.cpuMs / texts) * 1000);
  const middle = (values: readonly number[]) => computeSpread(values).median;
  const libraries = contenders.filter(({ name }) => !name.startsWith("sluice") && !name.startsWith("bare"));
  const bare = contenders.find(({ name }) => name.startsWith("bare"))?.samples ?? [];
  const best = (of: "wallMs" | "workMs") => Math.max(...libraries.map(({ samples }) => middle(rate(samples, of))));
  const lines = contenders.map(({ name, concurrency, samples }) => [
    name,
    concurrency === 0 ? "unlimited" : String(concurrency),
    formatSpread(rate(samples, "wallMs")),
    formatSpread(rate(samples, "workMs")),
    `${formatRatio(middle(rate(samples, "wallMs")) / best("wallMs"))} / ${formatRatio(middle(rate(samples, "workMs")) / best("workMs"))}`,
    `${formatRatio(middle(rate(samples, "wallMs")) / middle(rate(bare, "wallMs")))} / ${formatRatio(middle(rate(samples, "workMs")) / middle(rate(bare, "workMs")))}`,
    formatSpread(cpu(samples)),
    formatRatio(middle(cpu(samples)) / middle(cpu(bare))),
    describePeaks(samples),
    number(100 * middle(samples.map((sample) => sample.simulatorLoad))),
  ]);
  const head = [
    "contender",
    "calls in flight",
    "texts/s, process start to end",
    "texts/s, first call to end",
    "relative to the fastest library",
    "relative to bare undici",
    "CPU µs/text, all processes",
    "CPU relative to bare undici",
    "peak RSS",
    "simulator, % of a core",
  ];
  return [
    `### Throughput: ${texts.toLocaleString("en-US")} texts of 12 to 23 words, ${BATCH} per call, 1,536 floats each as JSON`,
    "",
    formatMarkdownTable(head, lines),
    "",
    `Median (lowest-highest) of ${rounds} rounds in which the contenders take turns. Each contender runs in its own processes, with the number of calls in flight that is fastest for it. The simulator answers immediately with precomputed vectors. "sluice embed" starts ${WORKERS} workers and a private Redis with an append-only file, plans, queues and commits, and ends with the output on disk; the loops keep their vectors in memory, bare undici discards them. Ratios: process start to end / first call to end.`,
  ].join("\n");
}

function describePeaks(samples: readonly Sample[]): string {
  const roles = new Map<string, number>();
  for (const { peakRss } of samples) {
    for (const [role, bytes] of Object.entries(peakRss)) roles.set(role, Math.max(roles.get(role) ?? 0, bytes));
  }
  if (roles.size === 1) return formatMegabytes([...roles.values()][0]);
  return [...roles].map(([role, bytes]) => `${role} ${formatMegabytes(bytes)}`).join(", ");
}
