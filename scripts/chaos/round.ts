// One round: one kind of work and one fault, on servers and in a folder of its own.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createSimulatorRandom, mix32 } from "#src/simulator/answers/random.ts";
import { makeFolder, removeFolder } from "../bench/cleanup.ts";
import { type Checked, checkRound } from "./check.ts";
import { ClientWorkload } from "./client-workload.ts";
import type { Fault, FaultContext } from "./faults.ts";
import { killAll, waitUntilNone } from "./processes.ts";
import { type ChaosRedis, startChaosRedis } from "./redis-topology.ts";
import { RunWorkload } from "./run-workload.ts";
import { createSmallDisk } from "./small-disk.ts";
import { Upstream } from "./upstream.ts";
import { planItems, type WorkKind } from "./work.ts";

export interface RoundParams {
  readonly fault: Fault;
  readonly kind: WorkKind;
  readonly seed: number;
  readonly items: Readonly<Record<WorkKind, number>>;
  /** A round that takes longer hangs. */
  readonly timeoutMs: number;
}

export interface RoundResult extends Partial<Checked> {
  readonly fault: string;
  readonly kind: WorkKind;
  readonly injected: number;
  readonly durationMs: number;
  readonly violations: readonly string[];
  /** How a fault was simulated, where there are several ways. */
  readonly method?: string;
}

const CONCURRENCY = 6;
/** Round trips of a distant Redis, ms. */
const DISTANCES = [5, 40, 200];
const SHIFT_CLOCK = fileURLToPath(new URL("shift-clock.ts", import.meta.url));
const CLOCK_SHIFTS_MS = [-3_600_000, -30_000, 30_000, 3_600_000, 86_400_000];

/** Never rejects: whatever goes wrong is a violation. */
export async function runRound(params: RoundParams): Promise<RoundResult> {
  const { fault, kind, seed } = params;
  const random = createSimulatorRandom(mix32(seed ^ hashName(`${fault.name}/${kind}`)));
  const startedAt = performance.now();
  const progress = { injected: 0 };
  const stack = new AsyncDisposableStack();
  try {
    const checked = await withTimeout(runChecked(params, random, progress, stack), params.timeoutMs);
    return { fault: fault.name, kind, ...progress, ...checked, durationMs: performance.now() - startedAt };
  } catch (error) {
    const violations = [error instanceof Error ? error.message : String(error)];
    return { fault: fault.name, kind, ...progress, violations, durationMs: performance.now() - startedAt };
  } finally {
    await stack.disposeAsync();
  }
}

async function runChecked(
  { fault, kind, seed, items: counts }: RoundParams,
  random: () => number,
  progress: { injected: number },
  stack: AsyncDisposableStack,
): Promise<Checked & { readonly method?: string }> {
  const folder = await makeFolder();
  stack.defer(() => removeFolder(folder));
  const upstream = await Upstream.start({ seed, latency: { fixedMs: 20, jitterMs: 40 }, ...fault.simulator });
  stack.defer(() => upstream.simulator.close());
  const distance = DISTANCES[Math.floor(random() * DISTANCES.length)] ?? 0;
  const redis = await startChaosRedis(fault.topology ?? "single", distance);
  stack.defer(() => redis.stop());
  const disk = fault.needsDisk ? createSmallDisk(join(folder, "out")) : undefined;
  if (disk) stack.defer(() => disk.remove());
  stack.defer(() => killAll(folder));
  await writeSettings(folder);
  const items = planItems(counts[kind], fault.badShare ?? 0, random);
  const env = createEnvironment(folder, upstream, redis, fault, random);
  const options = { folder, env, items, prefix: disk?.prefix };
  const workload = kind === "client" ? new ClientWorkload(options) : new RunWorkload(kind, options);
  await workload.start();
  await injectFaults({ fault, kind, random, redis, workload, folder, disk, upstream, progress });
  await workload.finished;
  await workload.stop();
  await waitUntilNone(folder);
  const kills = (fault.kills ?? 0) * progress.injected;
  const checked = await checkRound(kind, workload, upstream, { fault, kills, concurrency: CONCURRENCY });
  return disk ? { ...checked, method: disk.method } : checked;
}

/** Injects the fault each time when a certain share of the items was answered, while all further calls are held. */
async function injectFaults(
  context: Omit<FaultContext, "release"> & {
    readonly fault: Fault;
    readonly upstream: Upstream;
    readonly progress: { injected: number };
  },
): Promise<void> {
  const { fault, workload, upstream, random, progress } = context;
  const shares = Array.from({ length: fault.times }, () => 0.05 + 0.75 * random()).toSorted((a, b) => a - b);
  let hasFinished = false;
  const finished = workload.finished.then(() => {
    hasFinished = true;
  });
  for (const share of shares) {
    const reached = upstream.reach(Math.round(share * workload.items.length)).then(() => upstream.simulator.hold());
    const release = await Promise.race([reached, finished]);
    if (hasFinished || !release) break;
    try {
      // Calls in flight fill up meanwhile, so that most injections meet them.
      await sleep(random() * 300);
      await fault.inject?.({ ...context, release });
      progress.injected += 1;
    } finally {
      release();
    }
  }
}

async function writeSettings(folder: string): Promise<void> {
  const limits = { requestsPerMinute: 1_000_000, tokensPerMinute: 1_000_000_000, concurrency: CONCURRENCY };
  const price = { inputPerMillionTokens: 1, outputPerMillionTokens: 1, currency: "CNY" };
  const model = { limits, price };
  const settings = {
    providers: { minimax: { models: { "embo-01": model, "MiniMax-Text-01": model } } },
    run: { canaries: false },
  };
  // JSON is YAML.
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "sluice.yaml"), JSON.stringify(settings));
}

function createEnvironment(
  folder: string,
  upstream: Upstream,
  redis: ChaosRedis,
  fault: Fault,
  random: () => number,
): Record<string, string> {
  const shift = String(CLOCK_SHIFTS_MS[Math.floor(random() * CLOCK_SHIFTS_MS.length)]);
  const clock = { NODE_OPTIONS: `--import ${SHIFT_CLOCK}`, CHAOS_CLOCK_SHIFT_MS: shift };
  return {
    MINIMAX_API_KEY: upstream.apiKey,
    MINIMAX_BASE_URL: upstream.simulator.url,
    REDIS_URL: redis.url,
    XDG_CACHE_HOME: join(folder, "cache"),
    ...(fault.shiftsClock ? clock : {}),
  };
}

async function withTimeout<T>(task: Promise<T>, timeoutMs: number): Promise<T> {
  const ended = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: ended.signal, ref: true }).then(() => {
    throw new Error(`the round hangs: it did not end within ${timeoutMs / 1_000} s`);
  });
  timeout.catch(() => undefined);
  task.catch(() => undefined);
  return await Promise.race([task, timeout]).finally(() => ended.abort());
}

function hashName(name: string): number {
  return [...name].reduce((hash, character) => mix32(hash ^ (character.codePointAt(0) ?? 0)), 1);
}
