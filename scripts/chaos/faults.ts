// The faults of chaos runs. Each is injected while calls are held by the simulator, so it never depends on speed.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatorOptions } from "#src/simulator/simulator.ts";
import { findProcesses, handlesUsr2, signalProcess } from "./processes.ts";
import type { ChaosRedis, Topology } from "./redis-topology.ts";
import type { SmallDisk } from "./small-disk.ts";
import { BAD_WORD, type WorkKind } from "./work.ts";
import type { Workload } from "./workload.ts";

export interface FaultContext {
  readonly kind: WorkKind;
  readonly random: () => number;
  readonly redis: ChaosRedis;
  readonly workload: Workload;
  readonly folder: string;
  readonly disk: SmallDisk | undefined;
  /** Answers the calls that are held; by default they are answered after the injection. */
  readonly release: () => void;
}

export interface Fault {
  readonly name: string;
  readonly kinds: readonly WorkKind[];
  readonly topology?: Topology;
  /** How often it is injected. */
  readonly times: number;
  /** Processes that may die in one injection: each may lose the counts of its calls in flight. */
  readonly kills?: number;
  /** Redis may lose data that it has acknowledged. */
  readonly losesData?: boolean;
  readonly needsDisk?: boolean;
  readonly shiftsClock?: boolean;
  readonly simulator?: SimulatorOptions;
  readonly badShare?: number;
  readonly inject?: (context: FaultContext) => Promise<void>;
}

const ALL = ["embed", "batch", "client"] as const;
const RUNS = ["embed", "batch"] as const;
/** Longer than the coordinator's lease and the locks of jobs. */
const LONG_PAUSE_MS = 12_000;

function pick<T>(values: readonly T[], random: () => number): T | undefined {
  return values[Math.floor(random() * values.length)];
}

/** Stops a process for longer than its leases and locks last. */
async function pause(pid: number | undefined, release: () => void): Promise<void> {
  if (pid === undefined || !signalProcess(pid, "SIGSTOP")) return;
  release();
  await sleep(LONG_PAUSE_MS);
  signalProcess(pid, "SIGCONT");
}

const DELETED_PATHS = [[".work"], ["."], ["run.db"], ["run.db", "run.db-wal", "run.db-shm"], ["run.db-wal"]];

async function killWorker({ workload, random }: FaultContext): Promise<void> {
  const pid = pick(workload.workerPids(), random);
  if (pid !== undefined) signalProcess(pid, "SIGKILL");
}

async function killRedis({ redis, random, release }: FaultContext): Promise<void> {
  await redis.main.kill();
  // Calls end while Redis is down, or only afterwards.
  if (random() < 0.5) release();
  await sleep(random() * 2_000);
  await redis.main.start();
}

async function flushAll({ redis }: FaultContext): Promise<void> {
  await redis.main.client.flushall();
}

async function killCommand({ workload }: FaultContext): Promise<void> {
  workload.killCommand();
}

async function fillRedis({ redis, release, random }: FaultContext): Promise<void> {
  await redis.main.client.config("SET", "maxmemory", "1");
  release();
  await sleep(2_000 + random() * 3_000);
  await redis.main.client.config("SET", "maxmemory", "0");
}

async function fillDisk({ disk, workload, release }: FaultContext): Promise<void> {
  workload.allowStops(3);
  disk?.fill();
  const before = workload.commandPid();
  release();
  // The command stops and is started again; a disk with space ends the loop.
  for (let waitedMs = 0; workload.commandPid() === before && waitedMs < 20_000; waitedMs += 100) await sleep(100);
  disk?.free();
}

async function deleteFiles({ workload, random }: FaultContext): Promise<void> {
  workload.allowStops(5);
  const paths = pick(DELETED_PATHS, random) ?? [];
  for (const path of paths) rmSync(join(workload.out ?? "", path), { recursive: true, force: true });
}

/** The queue and the run's or item's own keys are on different masters. */
async function killMaster({ redis, kind, random, release }: FaultContext): Promise<void> {
  if (random() < 0.8) release();
  const queue = { embed: "minimax-embedding", batch: "minimax-chat", client: "minimax-chat" }[kind];
  await redis.failOver(random() < 0.7 ? `sluice:v2:{queue:${queue}}:wait` : `sluice:v2:{run:${random()}}`);
}

async function killSentinelMaster({ redis, random, release }: FaultContext): Promise<void> {
  if (random() < 0.5) release();
  await redis.failOver("");
}

async function shiftClock({ workload, folder, random }: FaultContext): Promise<void> {
  const pids = random() < 0.5 ? workload.workerPids() : findProcesses(folder);
  for (const pid of pids) if (handlesUsr2(pid)) signalProcess(pid, "SIGUSR2");
}

const STORM = [killWorker, killRedis, flushAll, killCommand, fillRedis];

export const FAULTS: readonly Fault[] = [
  { name: "kill-worker", kinds: ALL, times: 3, kills: 1, inject: killWorker },
  { name: "kill-command", kinds: ALL, times: 3, kills: 1, inject: killCommand },
  { name: "kill-redis", kinds: ALL, times: 3, kills: 1, inject: killRedis },
  { name: "flush-redis", kinds: ALL, times: 2, losesData: true, inject: flushAll },
  { name: "full-redis", kinds: ALL, times: 1, inject: fillRedis },
  { name: "full-disk", kinds: RUNS, times: 1, needsDisk: true, inject: fillDisk },
  { name: "deleted-files", kinds: RUNS, times: 1, kills: 1, inject: deleteFiles },
  {
    name: "sentinel-failover",
    kinds: ALL,
    topology: "sentinel",
    times: 1,
    losesData: true,
    inject: killSentinelMaster,
  },
  { name: "cluster-master", kinds: ALL, topology: "cluster", times: 1, losesData: true, inject: killMaster },
  { name: "distant-redis", kinds: ALL, topology: "distant", times: 1, kills: 1, inject: killCommand },
  { name: "clock-jump", kinds: ALL, times: 2, shiftsClock: true, inject: shiftClock },
  {
    name: "stopped-worker",
    kinds: ALL,
    times: 1,
    inject: ({ workload, random, release }) => pause(pick(workload.workerPids(), random), release),
  },
  {
    name: "stopped-command",
    kinds: ALL,
    times: 1,
    inject: ({ workload, release }) => pause(workload.commandPid(), release),
  },
  {
    name: "stopped-redis",
    kinds: ALL,
    times: 1,
    async inject({ redis, release }) {
      redis.main.signal("SIGSTOP");
      release();
      await sleep(LONG_PAUSE_MS);
      redis.main.signal("SIGCONT");
    },
  },
  {
    name: "random-429",
    kinds: ALL,
    times: 0,
    simulator: {
      faults: [{ action: { type: "code", code: 1002, message: "rate limit exceeded(RPM)" }, probability: 0.03 }],
    },
  },
  {
    name: "bad-inputs",
    kinds: ALL,
    times: 0,
    badShare: 0.02,
    simulator: { faults: [{ action: { type: "code", code: 1026 }, text: BAD_WORD }] },
  },
  {
    name: "storm",
    kinds: ALL,
    times: 5,
    kills: 1,
    losesData: true,
    badShare: 0.01,
    simulator: {
      faults: [
        { action: { type: "code", code: 1026 }, text: BAD_WORD },
        { action: { type: "code", code: 1002, message: "rate limit exceeded(RPM)" }, probability: 0.01 },
      ],
    },
    inject: async (context) => await pick(STORM, context.random)?.(context),
  },
];
