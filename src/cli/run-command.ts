import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../config.ts";
import { systemClock } from "../core/clock.ts";
import type { Lane, LaneLimits } from "../core/lane.ts";
import type { TokenPrice } from "../core/money.ts";
import { createRedisLimiter } from "../limiter/redis-limiter.ts";
import type { Plan } from "../producer/plan/plan.ts";
import { SPOOL_FILE } from "../producer/plan/spool-writer.ts";
import { executeRun, type RunWork } from "../producer/run/execute-run.ts";
import { lockFolder } from "../producer/run/folder-lock.ts";
import {
  type PreparedRun,
  prepareRun,
  type RunPlanning,
  type RunRequest,
} from "../producer/run/prepare-run.ts";
import { RunStopped } from "../producer/run/run-error.ts";
import type { RunManifest } from "../producer/run/run-manifest.ts";
import { WORK_FOLDER } from "../producer/sink/open-files.ts";
import type { RunStore } from "../producer/sink/slot-store.ts";
import type { WantedFailures } from "../producer/sink/take-back-failures.ts";
import type { WireRecord } from "../queue/record-codec.ts";
import type { Tracer } from "../queue/tracer.ts";
import { createKeys } from "../redis/keys.ts";
import { type ChildWorkers, startChildWorkers } from "./child-workers.ts";
import { describeProblems } from "./commands/embed-output.ts";
import { EXIT } from "./exit.ts";
import { formatMany } from "./format/format-number.ts";
import { interruptSignal } from "./interrupt.ts";
import { requirePriceForCap } from "./model-price.ts";
import { describeRedisEvent, openConfiguredRedis } from "./open-redis.ts";
import { openConfiguredTracer } from "./open-tracer.ts";
import { createReporter } from "./panel/create-reporter.ts";
import type { RunReporter } from "./panel/run-reporter.ts";
import type { RedisLink } from "./redis-link.ts";
import { EarlyServices, type RunServices } from "./run-services.ts";
import { windowSize } from "./window-size.ts";

/** Options that every command with an output folder has. */
export interface RunCommandOptions {
  readonly out: string;
  readonly window?: number;
  readonly workers?: number;
  /** The most the run may cost, in the currency of the model's price. */
  readonly maxCost?: number;
  readonly json: boolean;
  readonly config?: string;
}

/** What a command does in its output folder: one run, of one kind. */
export interface RunCommand<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan = Plan> {
  readonly request: RunRequest;
  readonly planning: RunPlanning<M, P>;
  /** The lanes the run can use; throws when credentials are missing. Asked before anything is started. */
  readonly lanes: (manifest: M) => Lanes;
  readonly work: (run: PreparedRun<M>, link: RedisLink) => RunWork<S>;
  /** What all models of the run cost; absent when it is not known, or not the same for all of them. */
  readonly price?: (manifest: M) => TokenPrice | undefined;
  /** The lanes are known before the items are: Redis and workers may start while planning goes on. */
  readonly readyToPlan?: boolean;
  /** Items of the run in Redis at once, unless told otherwise. */
  readonly defaultWindow: number;
}

export type Lanes = readonly {
  readonly lane: Lane;
  readonly limits: LaneLimits;
  readonly address?: string;
}[];

interface Context {
  readonly config: Config;
  readonly options: RunCommandOptions;
  readonly reporter: RunReporter;
  readonly signal: AbortSignal;
  readonly retry?: WantedFailures;
}

/** A run of fewer is over before waiting for a second worker would have paid. */
const MANY_ITEMS = 1_000;
const START_PATIENCE_MS = 1_500;

const RESUME = "nothing is lost: the same command goes on where this one stopped";

/** Plans or takes up the run in the output folder, starts workers, coordinates, writes; resolves with the exit code. */
export async function runInFolder<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan>(
  command: RunCommand<M, S, P>,
  config: Config,
  options: RunCommandOptions,
): Promise<number> {
  return await withReporter(config, options, (context) => planAndRun(command, context));
}

/** Gives `work` a reporter and a signal, and tells why it stopped when it does; resolves with the exit code. */
async function withReporter(
  config: Config,
  options: RunCommandOptions,
  work: (context: Context) => Promise<number>,
): Promise<number> {
  const interrupt = interruptSignal();
  const reporter = createReporter({
    json: options.json,
    noColor: config.noColor,
    isDumb: config.isDumb,
    out: options.json ? process.stdout : process.stderr,
  });
  try {
    return await work({ config, options, reporter, signal: interrupt.signal });
  } catch (error) {
    if (!(error instanceof RunStopped)) throw error;
    const { message, mend = RESUME } = error;
    reporter.end({ outcome: "stopped", message, mend });
    return error.reason === "interrupted" ? EXIT.interrupted : EXIT.cannotGoOn;
  } finally {
    reporter.close();
    interrupt.dispose();
  }
}

/**
 * Takes back the wanted failures of a run and lets it go on, in its own folder; resolves with
 * the exit code. The run may be finished or stopped.
 */
export async function retryInFolder<M extends RunManifest, S extends RunStore<WireRecord>>(
  found: { readonly dir: string; readonly manifest: M; readonly wanted: WantedFailures },
  command: Prepared<M, S>,
  config: Config,
  options: RunCommandOptions,
): Promise<number> {
  const { dir, manifest, wanted } = found;
  return await withReporter(config, options, async (context) => {
    const unlock = await lockFolder(join(dir, WORK_FOLDER));
    const run = { dir, spool: join(dir, WORK_FOLDER, SPOOL_FILE), manifest, resumed: true, unlock };
    try {
      const retrying = { ...context, retry: wanted };
      return await runToEnd(run, command, retrying, () => openServices(dir, context));
    } finally {
      await unlock();
    }
  });
}

async function planAndRun<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan>(
  command: RunCommand<M, S, P>,
  context: Context,
): Promise<number> {
  const early = new EarlyServices(() => openServices(command.request.dir, context));
  try {
    return await planThenRun(command, context, early);
  } finally {
    await early.close();
  }
}

async function planThenRun<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan>(
  command: RunCommand<M, S, P>,
  context: Context,
  early: EarlyServices,
): Promise<number> {
  const { reporter, signal } = context;
  const preparation = await prepareRun(command.request, command.planning, {
    signal: AbortSignal.any([signal, early.failed]),
    onPlanning: () => {
      if (command.readyToPlan) early.startSoon();
    },
    onProgress: (progress) => reporter.planning(progress),
  }).catch((error) => {
    throw signal.aborted
      ? new RunStopped("interrupted", "interrupted while planning; nothing was sent")
      : error;
  });
  const { json, out } = context.options;
  if (preparation.outcome === "refused") {
    const problems = formatMany(preparation.plan.problemCount, "problem");
    if (json) reporter.end({ outcome: "stopped", message: `the input has ${problems}; nothing was sent` });
    reporter.close();
    process.stderr.write(describeProblems(preparation.plan));
    return EXIT.cannotGoOn;
  }
  if (preparation.outcome === "finished") {
    if (json) reporter.end({ outcome: "finished", report: preparation.manifest, output: out });
    reporter.close();
    const { run, finishedAt, items } = preparation.manifest;
    process.stderr.write(
      `This run is finished already (${run}, ${items.total} items, ${finishedAt}): nothing to do.\n` +
        `  Results are in ${command.request.dir}. --force throws them away and starts over.\n` +
        (command.request.paths.includes("-") ? "  What standard input holds now was not read.\n" : ""),
    );
    return items.failed > 0 ? EXIT.itemsFailed : EXIT.ok;
  }
  const { run } = preparation;
  try {
    return await runToEnd(run, command, context, () => early.take());
  } finally {
    await run.unlock();
  }
}

async function runToEnd<M extends RunManifest, S extends RunStore<WireRecord>>(
  run: PreparedRun<M>,
  command: Prepared<M, S>,
  context: Context,
  open: () => Promise<RunServices>,
): Promise<number> {
  const report = await runPrepared(run, command, context, open);
  context.reporter.end({ outcome: "finished", report, output: context.options.out });
  return report.items.failed > 0 ? EXIT.itemsFailed : EXIT.ok;
}

/** What is left of a command once its run is prepared. */
type Prepared<M extends RunManifest, S extends RunStore<WireRecord>> = Omit<
  RunCommand<M, S>,
  "planning" | "readyToPlan" | "request"
>;

async function runPrepared<M extends RunManifest, S extends RunStore<WireRecord>>(
  run: PreparedRun<M>,
  command: Prepared<M, S>,
  context: Context,
  open: () => Promise<RunServices>,
): Promise<RunManifest> {
  const { config, options, reporter, signal } = context;
  const lanes = command.lanes(run.manifest);
  const price = command.price?.(run.manifest);
  requirePriceForCap(price, options.maxCost, run.manifest);
  const { redis, workers, close } = await open();
  const failed = new AbortController();
  workers.ready.catch((error) => failed.abort(error));
  signal.addEventListener(
    "abort",
    () =>
      reporter.event({
        type: "note",
        message: "stopping: calls in flight end, the rest goes back to the queue",
      }),
    { once: true },
  );
  reporter.start({
    runId: run.manifest.run,
    model: run.manifest.model,
    output: options.out,
    items: run.manifest.items.total,
    done: run.manifest.items.total - run.manifest.items.missing,
  });
  let tracer: Tracer | undefined;
  try {
    const keys = createKeys(config.namespace);
    const client = redis.source.connect("commands");
    if (run.manifest.items.missing >= MANY_ITEMS) await startTogether(workers, signal);
    tracer = await openConfiguredTracer(config);
    const note = (message: string) => reporter.event({ type: "note", message });
    const work = command.work(run, { client, keys, clock: systemClock, note });
    const limits = lanes.map((one) => one.limits);
    const usual = windowSize(limits, work.inputsPerCall ?? 1, command.defaultWindow);
    return await executeRun(run, work, {
      redis: redis.source,
      keys,
      limiter: createRedisLimiter(client, keys),
      lanes,
      windowSize: options.window ?? config.run.window ?? usual,
      price,
      retry: context.retry,
      maxCost: options.maxCost,
      tracer,
      clock: systemClock,
      onStopping: () => workers.stop(),
      onSnapshot: (snapshot) => reporter.progress(snapshot),
      onEvent: (event) => reporter.event(event),
      signal: AbortSignal.any([signal, failed.signal]),
    });
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    await Promise.all([close(), tracer?.close()]);
  }
}

/**
 * All workers together spend a window that may be spent at once in the time in which the first of them, alone and
 * beside the start of the others, spends a part of it; and what is spent late comes back late in every later window.
 */
async function startTogether(workers: ChildWorkers, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const patience = workers.ready.then(() =>
    systemClock.sleep(START_PATIENCE_MS, AbortSignal.any([signal, over.signal])),
  );
  // Workers that Ctrl-C ends before they are up are never ready, and are not replaced.
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([workers.allReady, patience, stopped]).catch(() => undefined);
  over.abort();
}

/** Redis and the workers of a run in `dir`, whose work folder is there and locked. */
async function openServices(
  dir: string,
  { config, options, reporter, signal }: Context,
): Promise<RunServices> {
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => reporter.event({ type: "note", message: describeRedisEvent(event) }),
    onWarning: ({ message, mend }) =>
      reporter.event({ type: "note", message: mend === undefined ? message : `${message}. ${mend}` }),
  });
  const workers = startChildWorkers({
    count: options.workers ?? config.run.workers ?? availableParallelism(),
    logFile: join(dir, WORK_FOLDER, "workers.log"),
    configFile: options.config === undefined ? undefined : resolve(options.config),
    signal,
    onRestart: (detail) => reporter.event({ type: "worker-lost", detail, restarted: true }),
  });
  return {
    redis,
    workers,
    close: async () => {
      await workers.stop();
      await redis.close();
    },
  };
}
