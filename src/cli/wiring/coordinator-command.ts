import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { describeProblems } from "#src/cli/commands/embed-output.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatMany } from "#src/cli/format/format-number.ts";
import { createReporter } from "#src/cli/panel/create-reporter.ts";
import type { RunReporter } from "#src/cli/panel/run-reporter.ts";
import type { Config } from "#src/config/config.ts";
import { systemClock } from "#src/core/clock.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { TokenPrice } from "#src/core/money.ts";
import type { Tracer } from "#src/core/tracer.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { ITEMS_FILE } from "#src/producer/plan/items-file-writer.ts";
import type { Plan } from "#src/producer/plan/plan.ts";
import { executeRun, type RunWork } from "#src/producer/runs/execute-run.ts";
import { lockFolder } from "#src/producer/runs/folder-lock.ts";
import {
  type PreparedRun,
  type PrepareRunOptions,
  prepareRun,
  type RunPlanning,
} from "#src/producer/runs/prepare-run.ts";
import { RunStoppedError } from "#src/producer/runs/run-error.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import type { RunStore } from "#src/producer/storage/ledger-store.ts";
import { WORK_FOLDER } from "#src/producer/storage/open-files.ts";
import type { FailureFilter } from "#src/producer/storage/reset-failures.ts";
import { createKeys } from "#src/redis/keys.ts";
import type { WireRecord } from "#src/state/records/record-codec.ts";
import { type ChildWorkers, startChildWorkers } from "./child-workers.ts";
import { listenForInterrupt } from "./interrupt.ts";
import { requirePriceForCap } from "./model-price.ts";
import { describeRedisEvent, openConfiguredRedis } from "./open-redis.ts";
import { openConfiguredTracer } from "./open-tracer.ts";
import type { RunDependencies } from "./run-dependencies.ts";
import { type RunServices, ServicePrestarter } from "./service-prestarter.ts";
import { windowSize } from "./window-size.ts";

/** Options that every command with an output folder has. */
export interface CoordinatorCommandOptions {
  readonly out: string;
  readonly window?: number;
  readonly workers?: number;
  /** The most the run may cost, in the currency of the model's price. */
  readonly maxCost?: number;
  readonly json: boolean;
  readonly config?: string;
}

/** What a command does in its output folder: one run, of one kind. */
export interface CoordinatorCommand<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan = Plan> {
  readonly request: PrepareRunOptions;
  readonly planning: RunPlanning<M, P>;
  /** The lanes the run can use; throws when credentials are missing. Asked before anything is started. */
  readonly lanes: (manifest: M) => RunLanes;
  readonly work: (run: PreparedRun<M>, dependencies: RunDependencies) => RunWork<S>;
  /** What all models of the run cost; absent when it is not known, or not the same for all of them. */
  readonly price?: (manifest: M) => TokenPrice | undefined;
  /** The lanes are known before the items are: Redis and workers may start while planning goes on. */
  readonly canPrestart?: boolean;
  /** Items of the run in Redis at once, unless told otherwise. */
  readonly defaultWindow: number;
}

export type RunLanes = readonly {
  readonly lane: Lane;
  readonly limits: LaneLimits;
  readonly address?: string;
}[];

interface CommandContext {
  readonly config: Config;
  readonly options: CoordinatorCommandOptions;
  readonly reporter: RunReporter;
  readonly signal: AbortSignal;
  readonly retry?: FailureFilter;
}

/** A run of fewer is over before waiting for a second worker would have paid. */
const MIN_ITEMS_TO_AWAIT_WORKERS = 1_000;
const WORKERS_READY_TIMEOUT_MS = 1_500;

const RESUME_HINT = "nothing is lost: the same command goes on where this one stopped";

/** Plans or takes up the run in the output folder, starts workers, coordinates, writes; resolves with the exit code. */
export async function runInFolder<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan>(
  command: CoordinatorCommand<M, S, P>,
  config: Config,
  options: CoordinatorCommandOptions,
): Promise<number> {
  return await withReporter(config, options, (context) => runWithPrestart(command, context));
}

/** Gives `work` a reporter and a signal, and tells why it stopped when it does; resolves with the exit code. */
async function withReporter(
  config: Config,
  options: CoordinatorCommandOptions,
  work: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const interrupt = listenForInterrupt();
  const reporter = createReporter({
    json: options.json,
    noColor: config.noColor,
    isDumbTerminal: config.isDumbTerminal,
    out: options.json ? process.stdout : process.stderr,
  });
  try {
    return await work({ config, options, reporter, signal: interrupt.signal });
  } catch (error) {
    if (!(error instanceof RunStoppedError)) throw error;
    const { message, hint = RESUME_HINT } = error;
    reporter.end({ outcome: "stopped", message, hint });
    return error.reason === "interrupted" ? EXIT_CODES.interrupted : EXIT_CODES.couldNotComplete;
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
  target: { readonly dir: string; readonly manifest: M; readonly requested: FailureFilter },
  command: PreparedCommand<M, S>,
  config: Config,
  options: CoordinatorCommandOptions,
): Promise<number> {
  const { dir, manifest, requested } = target;
  return await withReporter(config, options, async (context) => {
    const unlock = await lockFolder(join(dir, WORK_FOLDER));
    const run = { dir, itemsFile: join(dir, WORK_FOLDER, ITEMS_FILE), manifest, resumed: true, unlock };
    try {
      const retryContext = { ...context, retry: requested };
      return await runAndReport(run, command, retryContext, () => openServices(dir, context));
    } finally {
      await unlock();
    }
  });
}

async function runWithPrestart<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan>(
  command: CoordinatorCommand<M, S, P>,
  context: CommandContext,
): Promise<number> {
  const prestarter = new ServicePrestarter(() => openServices(command.request.dir, context));
  try {
    return await prepareAndRun(command, context, prestarter);
  } finally {
    await prestarter.close();
  }
}

async function prepareAndRun<M extends RunManifest, S extends RunStore<WireRecord>, P extends Plan>(
  command: CoordinatorCommand<M, S, P>,
  context: CommandContext,
  prestarter: ServicePrestarter,
): Promise<number> {
  const { reporter, signal } = context;
  const preparation = await prepareRun(command.request, command.planning, {
    signal: AbortSignal.any([signal, prestarter.failed]),
    onPlanning: () => {
      if (command.canPrestart) prestarter.scheduleStart();
    },
    onProgress: (progress) => reporter.planning(progress),
  }).catch((error) => {
    throw signal.aborted ? new RunStoppedError("interrupted", "interrupted while planning; nothing was sent") : error;
  });
  const { json, out } = context.options;
  if (preparation.outcome === "refused") {
    const problems = formatMany(preparation.plan.problemCount, "problem");
    if (json) reporter.end({ outcome: "stopped", message: `the input has ${problems}; nothing was sent` });
    reporter.close();
    process.stderr.write(describeProblems(preparation.plan));
    return EXIT_CODES.couldNotComplete;
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
    return items.failed > 0 ? EXIT_CODES.itemsFailed : EXIT_CODES.ok;
  }
  const { run } = preparation;
  try {
    return await runAndReport(run, command, context, () => prestarter.acquire());
  } finally {
    await run.unlock();
  }
}

async function runAndReport<M extends RunManifest, S extends RunStore<WireRecord>>(
  run: PreparedRun<M>,
  command: PreparedCommand<M, S>,
  context: CommandContext,
  open: () => Promise<RunServices>,
): Promise<number> {
  const report = await executePrepared(run, command, context, open);
  context.reporter.end({ outcome: "finished", report, output: context.options.out });
  return report.items.failed > 0 ? EXIT_CODES.itemsFailed : EXIT_CODES.ok;
}

/** What is left of a command once its run is prepared. */
type PreparedCommand<M extends RunManifest, S extends RunStore<WireRecord>> = Omit<
  CoordinatorCommand<M, S>,
  "planning" | "canPrestart" | "request"
>;

async function executePrepared<M extends RunManifest, S extends RunStore<WireRecord>>(
  run: PreparedRun<M>,
  command: PreparedCommand<M, S>,
  context: CommandContext,
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
    if (run.manifest.items.missing >= MIN_ITEMS_TO_AWAIT_WORKERS) await waitForWorkers(workers, signal);
    tracer = await openConfiguredTracer(config);
    const notify = (message: string) => reporter.event({ type: "note", message });
    const work = command.work(run, { client, keys, clock: systemClock, notify });
    const limits = lanes.map((one) => one.limits);
    const defaultSize = windowSize(limits, work.inputsPerCall ?? 1, command.defaultWindow);
    return await executeRun(run, work, {
      redis: redis.source,
      keys,
      limiter: createRedisLimiter(client, keys),
      lanes,
      windowSize: options.window ?? config.run.window ?? defaultSize,
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
async function waitForWorkers(workers: ChildWorkers, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const readyTimeout = workers.ready.then(() =>
    systemClock.sleep(WORKERS_READY_TIMEOUT_MS, AbortSignal.any([signal, over.signal])),
  );
  // Workers that Ctrl-C ends before they are up are never ready, and are not replaced.
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([workers.allReady, readyTimeout, stopped]).catch(() => undefined);
  over.abort();
}

/** Redis and the workers of a run in `dir`, whose work folder is there and locked. */
async function openServices(dir: string, { config, options, reporter, signal }: CommandContext): Promise<RunServices> {
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => reporter.event({ type: "note", message: describeRedisEvent(event) }),
    onWarning: ({ message, hint }) =>
      reporter.event({ type: "note", message: hint === undefined ? message : `${message}. ${hint}` }),
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
