import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Config } from "../../config.ts";
import { systemClock } from "../../core/clock.ts";
import { InputError } from "../../core/errors.ts";
import type { Lane, LaneLimits } from "../../core/lane.ts";
import { createRedisLimiter } from "../../limiter/redis-limiter.ts";
import { executeRun } from "../../producer/run/execute-run.ts";
import { type PreparedRun, prepareRun, type RunRequest } from "../../producer/run/prepare-run.ts";
import { RunStopped } from "../../producer/run/run-error.ts";
import type { RunManifest } from "../../producer/run/run-manifest.ts";
import { WORK_FOLDER } from "../../producer/sink/open-files.ts";
import type { ResultFormat } from "../../producer/sink/result-writer.ts";
import type { EmbeddingPurpose } from "../../providers/provider.ts";
import { findModel } from "../../providers/registry.ts";
import { createKeys } from "../../redis/keys.ts";
import { startChildWorkers } from "../child-workers.ts";
import { EXIT } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { requireLanes } from "../lanes.ts";
import { openConfig } from "../open-config.ts";
import { describeRedisEvent, openConfiguredRedis } from "../open-redis.ts";
import { createReporter } from "../panel/create-reporter.ts";
import type { RunReporter } from "../panel/run-reporter.ts";
import { readVersion } from "../version.ts";
import { describeProblems, printDryRun } from "./embed-output.ts";

export interface EmbedCommandOptions {
  readonly model: string;
  readonly out: string;
  readonly type: EmbeddingPurpose;
  readonly format: ResultFormat;
  readonly withText: boolean;
  readonly chunkTokens: number;
  readonly chunkOverlap: number;
  readonly chunk: boolean;
  readonly idField: string;
  readonly textField: string;
  readonly limit?: number;
  readonly window?: number;
  readonly workers?: number;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly force: boolean;
  readonly json: boolean;
  readonly config?: string;
}

const RESUME = "nothing is lost: the same command goes on where this one stopped";

type Lanes = readonly { readonly lane: Lane; readonly limits: LaneLimits }[];

/** Items of a run in Redis at once, unless told otherwise: some 40 MB with vectors of 1536 floats, if all waited. */
const DEFAULT_WINDOW = 5_000;

/** `sluice embed`: plan, start workers, coordinate, write. */
export async function runEmbed(paths: readonly string[], options: EmbedCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const request = createRequest(paths, options);
  if (options.dryRun) return await printDryRun(request, config, options);
  const lanes = requireLanes(config, options.model);
  const interrupt = interruptSignal();
  const reporter = createReporter({
    json: options.json,
    noColor: config.noColor,
    out: options.json ? process.stdout : process.stderr,
  });
  try {
    return await planAndRun(request, lanes, { config, options, reporter, signal: interrupt.signal });
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

interface Context {
  readonly config: Config;
  readonly options: EmbedCommandOptions;
  readonly reporter: RunReporter;
  readonly signal: AbortSignal;
}

async function planAndRun(request: RunRequest, lanes: Lanes, context: Context): Promise<number> {
  const { reporter, signal } = context;
  const preparation = await prepareRun(request, {
    signal,
    onProgress: (progress) => reporter.planning(progress),
  }).catch((error) => {
    throw signal.aborted
      ? new RunStopped("interrupted", "interrupted while planning; nothing was sent")
      : error;
  });
  if (preparation.outcome === "refused") {
    reporter.close();
    process.stderr.write(describeProblems(preparation.plan));
    return EXIT.cannotGoOn;
  }
  if (preparation.outcome === "finished") {
    reporter.close();
    const { run, finishedAt, items } = preparation.manifest;
    process.stderr.write(
      `This run is finished already (${run}, ${items.total} items, ${finishedAt}): nothing to do.\n` +
        `  Results are in ${request.dir}. --force throws them away and starts over.\n`,
    );
    return items.failed > 0 ? EXIT.itemsFailed : EXIT.ok;
  }
  const { run } = preparation;
  try {
    const report = await runPrepared(run, lanes, context);
    reporter.end({ outcome: "finished", report, output: context.options.out });
    return report.items.failed > 0 ? EXIT.itemsFailed : EXIT.ok;
  } finally {
    await run.unlock();
  }
}

async function runPrepared(run: PreparedRun, lanes: Lanes, context: Context): Promise<RunManifest> {
  const { config, options, reporter, signal } = context;
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => reporter.event({ type: "note", message: describeRedisEvent(event) }),
    onWarning: ({ message, mend }) =>
      reporter.event({ type: "note", message: mend === undefined ? message : `${message}. ${mend}` }),
  });
  const workers = startChildWorkers({
    count: options.workers ?? config.run.workers ?? availableParallelism(),
    logFile: join(run.dir, WORK_FOLDER, "workers.log"),
    ...(options.config === undefined ? {} : { configFile: resolve(options.config) }),
    signal,
    onRestart: (detail) => reporter.event({ type: "worker-lost", detail, restarted: true }),
  });
  const failed = new AbortController();
  signal.addEventListener(
    "abort",
    () =>
      reporter.event({
        type: "note",
        message: "stopping: calls in flight end, the rest goes back to the queue",
      }),
    { once: true },
  );
  workers.ready.catch((error) => failed.abort(error));
  reporter.start({
    runId: run.manifest.run,
    model: run.manifest.model,
    output: options.out,
    items: run.manifest.items.total,
    done: run.manifest.items.total - run.manifest.items.missing,
  });
  try {
    const keys = createKeys(config.namespace);
    const price = config.price(run.provider, run.model);
    return await executeRun(run, {
      redis: redis.source,
      keys,
      limiter: createRedisLimiter(redis.source.connect("commands"), keys),
      lanes,
      batchInputs: findModel(run.manifest.model).model.maxInputs ?? 1,
      windowSize: options.window ?? config.run.window ?? DEFAULT_WINDOW,
      ...(price?.inputPerMillionTokens === undefined
        ? {}
        : { price: { perMillionTokens: price.inputPerMillionTokens, currency: price.currency } }),
      clock: systemClock,
      onSnapshot: (snapshot) => reporter.progress(snapshot),
      onEvent: (event) => reporter.event(event),
      signal: AbortSignal.any([signal, failed.signal]),
    });
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    await workers.stop();
    await redis.close();
  }
}

function createRequest(paths: readonly string[], options: EmbedCommandOptions): RunRequest {
  const { provider, model } = findModel(options.model);
  if (model.kind !== "embedding")
    throw new InputError(
      `${options.model} is a chat model and makes no vectors; "sluice models ${provider}" shows which do`,
    );
  const { limit } = options;
  return {
    sources: {
      paths,
      idField: options.idField,
      textField: options.textField,
      chunk: options.chunk ? { tokens: options.chunkTokens, overlap: options.chunkOverlap } : undefined,
      ...(model.maxTokens === undefined ? {} : { maxTokens: model.maxTokens }),
      ...(limit === undefined ? {} : { limit }),
      skipInvalid: options.skipInvalid,
      stdin: process.stdin,
      cwd: process.cwd(),
    },
    dir: resolve(options.out),
    provider,
    model: model.name,
    ...(model.dimensions === undefined ? {} : { dimensions: model.dimensions }),
    purpose: options.type,
    format: options.format,
    withText: options.withText,
    force: options.force,
    sluiceVersion: readVersion(),
    now: Date.now(),
  };
}
