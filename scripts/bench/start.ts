// Benchmark "start": time until --help prints, until a worker takes jobs, and until the jobs of a killed worker are done.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder, registerChild, registerDetachedProcess, removeFolder } from "./cleanup.ts";
import { writeCorpus } from "./corpus.ts";
import { measureProcess } from "./measure-process.ts";
import { detectRole, listDescendants } from "./process-tree.ts";
import { type SimulatorProcess, startSimulatorProcess } from "./simulator-process.ts";
import { runEmbedCommand, SLUICE, sluiceEnvironment, writeSettings } from "./sluice-command.ts";
import { computeSpread, formatMarkdownTable, number } from "./table.ts";

export interface StartOptions {
  readonly quick: boolean;
  readonly log: (line: string) => void;
}

export interface StartResult {
  /** Milliseconds, one value per round. */
  readonly help: readonly number[];
  readonly workerWithRedis: readonly number[];
  readonly worker: readonly number[];
  readonly recovery: readonly number[];
}

const NO_LIMIT = { requestsPerMinute: 100_000_000 };

export async function benchStart({ quick, log }: StartOptions): Promise<StartResult> {
  const simulator = await startSimulatorProcess({ vectors: "fixed", latency: { fixedMs: 100 } });
  try {
    const rounds = quick ? 3 : 7;
    const help: number[] = [];
    const workerWithRedis: number[] = [];
    const worker: number[] = [];
    for (let round = 0; round < rounds; round++) {
      help.push((await measureProcess([SLUICE, "--help"])).wallMs);
      const pair = await measureWorkers(simulator);
      workerWithRedis.push(pair.first);
      worker.push(pair.second);
    }
    log(`--help ${help.map(Math.round).join(" ")} ms, worker ${worker.map(Math.round).join(" ")} ms`);
    const recovery: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      recovery.push(await measureRecovery(simulator));
      log(`recovery ${number((recovery.at(-1) ?? 0) / 1000)} s`);
    }
    return { help, workerWithRedis, worker, recovery };
  } finally {
    await simulator.stop();
  }
}

/** Starts two workers in one folder, one after the other; the first also starts the private Redis. */
async function measureWorkers(simulator: SimulatorProcess): Promise<{ first: number; second: number }> {
  const folder = await makeFolder();
  await writeSettings(folder, { limits: NO_LIMIT });
  const start = async () => {
    const startedAt = performance.now();
    const child = registerChild(
      spawn(process.execPath, [SLUICE, "worker"], {
        cwd: folder,
        env: { ...process.env, ...sluiceEnvironment(simulator) },
        stdio: ["ignore", "ignore", "ignore", "ipc"],
      }),
    );
    await once(child, "message", { signal: AbortSignal.timeout(60_000) });
    return { child, tookMs: performance.now() - startedAt };
  };
  try {
    const first = await start();
    for (const pid of listDescendants(first.child.pid ?? 0)) registerDetachedProcess(pid);
    const second = await start();
    for (const { child } of [second, first]) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    return { first: first.tookMs, second: second.tookMs };
  } finally {
    removeFolder(folder);
  }
}

/** Kills one of two workers (SIGKILL) in the middle of a run. Resolves with the time until the end of the run, in ms. */
async function measureRecovery(simulator: SimulatorProcess): Promise<number> {
  const folder = await makeFolder();
  const corpus = join(folder, "texts.jsonl");
  const texts = 6_000;
  await writeCorpus(corpus, texts);
  await simulator.reset();
  let command: number | undefined;
  let killedAt: number | undefined;
  const killOne = async () => {
    while ((await simulator.report()).statistics.texts < texts / 2) await sleep(20);
    const victim = listDescendants(command ?? 0).find((pid) => detectRole(pid) === "worker");
    if (victim === undefined) throw new Error("no worker to kill");
    killedAt = performance.now();
    process.kill(victim, "SIGKILL");
  };
  try {
    const run = runEmbedCommand(
      // Few calls in flight, so that the worker holds jobs when it is killed.
      { simulator, corpus, format: "npy", workers: 2, callsPerWorker: 8, limits: NO_LIMIT },
      {
        folder,
        onStart: (child) => {
          command = child.pid;
        },
      },
    );
    await Promise.all([run, killOne()]);
    if (killedAt === undefined) throw new Error("the run ended before a worker could be killed");
    return performance.now() - killedAt;
  } finally {
    removeFolder(folder);
  }
}

export function describeStart({ help, workerWithRedis, worker, recovery }: StartResult): string {
  const line = (name: string, values: readonly number[], target: string) => {
    const { median, min, max } = computeSpread(values);
    return [name, ...[median, min, max].map((ms) => `${number(ms / 1000)} s`), target];
  };
  return [
    "### Start and recovery",
    "",
    formatMarkdownTable(
      ["measurement", "median", "minimum", "maximum", "target"],
      [
        line("`sluice --help`", help, "< 0.3 s"),
        line("worker start until it takes jobs, Redis running", worker, "< 1.5 s"),
        line("worker start until it takes jobs, including the start of the private Redis", workerWithRedis, "< 1.5 s"),
        line("from kill -9 of one of two workers to the end of the run", recovery, "< 15 s"),
      ],
    ),
    "",
    `${help.length} rounds each, recovery ${recovery.length}. The worker is killed when half of 6,000 texts have been answered; the time includes the other half.`,
  ].join("\n");
}
