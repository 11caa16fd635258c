import { addAbortListener } from "node:events";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { formatCount } from "#src/cli/format/format-number.ts";
import type { CommandContext } from "#src/cli/wiring/command-context.ts";
import { describeRetryQuery } from "#src/cli/wiring/item-filter.ts";
import { listModelNotices } from "#src/cli/wiring/model-notices.ts";
import { findCommonPrice, findPrices, requirePriceForCap } from "#src/cli/wiring/model-price.ts";
import { requireOffPeak } from "#src/cli/wiring/off-peak.ts";
import { openConfiguredTracer } from "#src/cli/wiring/open-tracer.ts";
import type { Config } from "#src/config/config.ts";
import { systemClock } from "#src/core/clock.ts";
import { formatLane } from "#src/core/lane.ts";
import { omitUndefined } from "#src/core/omit-undefined.ts";
import type { Tracer } from "#src/core/tracer.ts";
import { createRedisLimiter } from "#src/limiter/redis-limiter.ts";
import { ItemFinder } from "#src/producer/items/item-finder.ts";
import { type ItemQuery, toRetryQuery } from "#src/producer/items/item-query.ts";
import type { PreparedRun, RunExecution } from "#src/producer/run-kinds/run-kind.ts";
import { executeRun } from "#src/producer/runs/execute-run.ts";
import type { RunEnvironment, RunLane } from "#src/producer/runs/run-environment.ts";
import type { RunManifest } from "#src/producer/runs/run-manifest.ts";
import { createKeys } from "#src/redis/keys.ts";
import { findLimitConflicts } from "#src/state/workers/limit-conflicts.ts";
import { listWorkers } from "#src/state/workers/worker-list.ts";
import { WORKER_DEFAULTS } from "#src/workers/worker-host.ts";
import { chooseWindowSize } from "./choose-window-size.ts";
import { COORDINATOR_MESSAGES } from "./coordinator-messages.ts";
import { requireRunLanes } from "./run-lanes.ts";
import { type RunServices, waitForWorkers } from "./run-services.ts";

/** Smaller runs end before waiting for a second worker would have paid off. */
const MIN_ITEMS_TO_AWAIT_WORKERS = 1_000;

/** Executes a prepared run with services of its own, and reports its end. Resolves with the exit code. */
export async function executeInFolder<M extends RunManifest>(
  run: PreparedRun<M>,
  kind: RunExecution<M>,
  context: CommandContext,
  openServices: () => Promise<RunServices>,
  retry?: ItemQuery,
): Promise<number> {
  const { config, options, reporter } = context;
  const { manifest } = run;
  const models = kind.listModels(manifest);
  const lanes = requireRunLanes(config, models);
  const prices = findPrices(config, models);
  const price = findCommonPrice(prices);
  requirePriceForCap(price, options.maxCost, manifest);
  const findOffPeak = options.offPeak ? requireOffPeak(config, models) : undefined;
  const defaultSize = chooseWindowSize(lanes, kind.getInputsPerCall(manifest), kind.defaultWindow);
  const windowSize = options.window ?? config.run.window ?? defaultSize;
  const retrying = retry && describeRetry(run.dir, retry);
  const services = await openServices();
  const { total, missing } = manifest.items;
  // A retry reports what it retries instead.
  const done = retry ? 0 : total - missing;
  reporter.start({ runId: manifest.run, model: manifest.model, output: options.out, items: total, done });
  if (retrying) reporter.event({ type: "note", message: retrying });
  for (const message of listModelNotices(config, models, Date.now())) reporter.event({ type: "note", message });
  for (const message of await findOtherLimits(services, config, lanes)) reporter.event({ type: "note", message });
  const report = await withEnvironment(services, context, missing, (base) =>
    executeRun(run, kind, { ...base, lanes, price, prices, findOffPeak, windowSize, retry }),
  );
  reporter.end({ outcome: "finished", report, output: options.out });
  return report.items.failed > 0 ? EXIT_CODES.itemsFailed : EXIT_CODES.ok;
}

/** One sentence for each lane of the run that workers elsewhere use with other limits than this command. */
async function findOtherLimits({ redis }: RunServices, config: Config, lanes: readonly RunLane[]): Promise<string[]> {
  const laneLimits = Object.fromEntries(
    lanes.map(({ lane, limits }) => [formatLane(lane), omitUndefined({ ...limits })]),
  );
  const own = {
    id: "this command",
    state: "alive",
    host: "this command, process",
    pid: process.pid,
    laneLimits,
  } as const;
  const workers = await listWorkers(redis.source.connect("commands"), createKeys(config.namespace)).catch(() => []);
  return findLimitConflicts([own, ...workers])
    .filter(({ lane }) => Object.hasOwn(laneLimits, lane))
    .map(({ lane, limits }) => `workers have different limits for ${lane}: ${limits}`);
}

function describeRetry(dir: string, query: ItemQuery): string {
  using finder = new ItemFinder(dir);
  let count = 0;
  for (const _ of finder.listIndices(toRetryQuery(query))) count += 1;
  return `retrying ${describeRetryQuery(query)}: ${formatCount(count)}`;
}

type BaseEnvironment = Omit<RunEnvironment, "lanes" | "windowSize">;

/** Calls `work` with what does not depend on the kind of run, then closes the services. */
async function withEnvironment<T>(
  services: RunServices,
  { config, options, reporter, signal }: CommandContext,
  missingItems: number,
  work: (environment: BaseEnvironment) => Promise<T>,
): Promise<T> {
  const { redis, workers } = services;
  const failed = new AbortController();
  workers.ready.catch((error) => failed.abort(error));
  const reportStopping = () => reporter.event({ type: "note", message: COORDINATOR_MESSAGES.stopping });
  // Also reports a signal that came after the start event and before this call.
  using _ = addAbortListener(signal, reportStopping);
  let tracer: Tracer | undefined;
  try {
    if (missingItems >= MIN_ITEMS_TO_AWAIT_WORKERS) await waitForWorkers(workers, signal);
    tracer = await openConfiguredTracer(config);
    const keys = createKeys(config.namespace);
    return await work({
      redis: redis.source,
      keys,
      limiter: createRedisLimiter(redis.source.connect("commands"), keys),
      maxCost: options.maxCost,
      tenant: options.tenant,
      keepDatabase: options.keepDb,
      maxWaitMs: options.maxWait,
      tracer,
      clock: systemClock,
      onStopping: () => workers.stop(),
      graceMs: config.worker.graceMs ?? WORKER_DEFAULTS.graceMs,
      onSnapshot: (snapshot) => reporter.progress(snapshot),
      onEvent: (event) => reporter.event(event),
      signal: AbortSignal.any([signal, failed.signal]),
    });
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  } finally {
    await Promise.all([services.close(), tracer?.close()]);
  }
}
