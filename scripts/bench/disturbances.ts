// Benchmarks "throttling" and "hanging": goodput of a lane whose provider refuses calls at random, or never answers them.
import { join } from "node:path";
import type { SimulatorSettingsPatch } from "#src/simulator/settings.ts";
import { makeFolder, removeFolder } from "./cleanup.ts";
import { BATCH } from "./contenders/contender.ts";
import { writeCorpus } from "./corpus.ts";
import { startSimulatorProcess } from "./simulator-process.ts";
import { runEmbedCommand } from "./sluice-command.ts";
import { formatMarkdownTable, number } from "./table.ts";

export type Disturbance = "throttling" | "hanging";

export interface DisturbanceOptions {
  readonly disturbance: Disturbance;
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

export interface DisturbanceResult {
  readonly disturbance: Disturbance;
  /** Share of the calls that are refused or never answered. */
  readonly share: number;
  /** Calls that arrived at the simulator. */
  readonly calls: number;
  readonly answered: number;
  readonly tookMs: number;
}

type Faults = NonNullable<SimulatorSettingsPatch["faults"]>;

interface Scenario {
  readonly title: string;
  readonly column: string;
  readonly places: number;
  readonly latencyMs: number;
  readonly calls: number;
  readonly shares: readonly number[];
  readonly action: Faults[number]["action"];
  readonly notes: string;
}

const SCENARIOS: Readonly<Record<Disturbance, Scenario>> = {
  throttling: {
    title: "Random refusals",
    column: "calls refused with 429",
    places: 20,
    latencyMs: 1_000,
    calls: 1_000,
    shares: [0, 0.01, 0.04, 0.1],
    action: { type: "status", status: 429, headers: {}, body: "" },
    notes:
      "No limit is reached: the refusals say nothing about the rate. A refused call takes as long as an answered one.",
  },
  hanging: {
    title: "Hanging calls",
    column: "calls never answered",
    places: 30,
    latencyMs: 1_000,
    calls: 1_500,
    shares: [0, 0.01, 0.1],
    action: { type: "stall", bytes: 0 },
    notes: "The simulator accepts these calls and keeps their connections open.",
  },
};

export async function benchDisturbance({ disturbance, quick, log }: DisturbanceOptions): Promise<DisturbanceResult[]> {
  const scenario = SCENARIOS[disturbance];
  const calls = quick ? scenario.calls / 5 : scenario.calls;
  const folder = await makeFolder();
  const corpus = join(folder, "texts.jsonl");
  await writeCorpus(corpus, calls * BATCH);
  const results: DisturbanceResult[] = [];
  try {
    for (const share of scenario.shares) {
      const result = { disturbance, share, ...(await measure(scenario, share, corpus, calls)) };
      log(`${number(share * 100)} %: ${number(toGoodput(result))} answers/s`);
      results.push(result);
    }
    return results;
  } finally {
    removeFolder(folder);
  }
}

async function measure({ places, latencyMs, action }: Scenario, share: number, corpus: string, calls: number) {
  const simulator = await startSimulatorProcess({
    vectors: "fixed",
    latency: { fixedMs: latencyMs },
    faults: share === 0 ? [] : [{ action, probability: share }],
  });
  try {
    await runEmbedCommand({
      simulator,
      corpus,
      format: "npy",
      workers: 1,
      limits: { requestsPerMinute: 1_000_000, concurrency: places },
      limit: calls * BATCH,
    });
    const { statistics, spanMs } = await simulator.report();
    // The last call to arrive is answered one latency later.
    return { calls: statistics.calls, answered: calls, tookMs: spanMs + latencyMs };
  } finally {
    await simulator.stop();
  }
}

/** Answers per second. */
function toGoodput({ answered, tookMs }: DisturbanceResult): number {
  return (answered * 1_000) / tookMs;
}

export function describeDisturbance(results: readonly DisturbanceResult[]): string {
  const [undisturbed] = results;
  if (!undisturbed) return "";
  const { title, column, places, latencyMs, notes } = SCENARIOS[undisturbed.disturbance];
  const lines = results.map((result) => [
    `${number(result.share * 100)} %`,
    number(result.calls),
    number(result.tookMs / 1_000),
    number(toGoodput(result)),
    `${((toGoodput(result) / toGoodput(undisturbed)) * 100).toFixed(1)} %`,
    `${((1 - result.share) * 100).toFixed(1)} %`,
  ]);
  return [
    `### ${title}: ${places} places, calls of ${latencyMs} ms`,
    "",
    formatMarkdownTable(
      [column, "calls made", "seconds", "answers/s", "of the undisturbed lane", "at best (1 - share)"],
      lines,
    ),
    "",
    `One run of ${number(undisturbed.answered)} calls each, one worker process. ${notes}`,
  ].join("\n");
}
