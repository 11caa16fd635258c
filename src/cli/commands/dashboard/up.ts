import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { createDashboardOptions } from "#src/cli/options/dashboard-options.ts";
import { type ChildWorkers, startChildWorkers } from "#src/cli/wiring/coordinator/child-workers.ts";
import { rotateLog } from "#src/cli/wiring/coordinator/rotate-log.ts";
import { waitForAbort } from "#src/cli/wiring/interrupt.ts";
import { LaneRegistry, openTransport } from "#src/cli/wiring/lanes.ts";
import { openServiceContext } from "#src/cli/wiring/open-service-context.ts";
import type { Config } from "#src/config/config.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { type Dashboard, startDashboard } from "#src/dashboard/start-dashboard.ts";
import { describeDashboard } from "./dashboard.ts";
import type { upCommand } from "./definition.ts";

/** A larger log is rotated at the next start. */
const LOG_BYTES = 10 * 1024 * 1024;

/** `sluice up`: dashboard, workers and (without REDIS_URL) the private Redis together, until it is stopped. */
export async function runUp(options: OptionValues<typeof upCommand>): Promise<number> {
  const { config, interrupt, log, redis } = await openServiceContext(options.config);
  let dashboard: Dashboard | undefined;
  let workers: ChildWorkers | undefined;
  try {
    // The dashboard starts first: if its address is not available, no workers are started and stopped for nothing.
    dashboard = await startDashboard(
      createDashboardOptions(config, redis, options, (error, where) => log.error({ where }, error.message)),
    );
    const providers = await listUsableProviders(config);
    const count = providers.length === 0 ? 0 : (options.workers ?? config.run.workers ?? availableParallelism());
    const logFile = prepareWorkerLog(config);
    workers = startChildWorkers({
      count,
      logFile,
      configFile: options.config === undefined ? undefined : resolve(options.config),
      signal: interrupt.signal,
      onRestart: (reason) => log.warn(`a worker exited (${reason}) and was replaced`),
    });
    const workersFailed = new AbortController();
    workers.ready.catch((error) => workersFailed.abort(error));
    process.stdout.write(
      `${[
        describeDashboard(dashboard),
        `  Redis     ${redis.isPrivate ? `private, in ${join(config.home, ".sluice/redis")}` : "external (REDIS_URL)"}`,
        `  workers   ${describeWorkers(count, providers, logFile)}`,
        "  Press Ctrl-C to stop everything. Nothing is lost; runs continue in their own commands.",
      ].join("\n")}\n`,
    );
    await waitForAbort(AbortSignal.any([interrupt.signal, workersFailed.signal]));
    if (workersFailed.signal.aborted) throw workersFailed.signal.reason;
    return EXIT_CODES.ok;
  } finally {
    await dashboard?.close();
    await workers?.stop();
    await redis.close();
    interrupt.dispose();
  }
}

/** Providers with credentials; without any, a worker would have no queue to serve. */
async function listUsableProviders(config: Config): Promise<string[]> {
  const transport = openTransport(config);
  try {
    return [...new Set(new LaneRegistry(config, transport).capabilities().map(({ provider }) => provider))];
  } finally {
    await transport.close();
  }
}

function prepareWorkerLog(config: Config): string {
  const folder = join(config.home, ".sluice");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "workers.log");
  rotateLog(path, LOG_BYTES);
  return path;
}

function describeWorkers(count: number, providers: readonly string[], logFile: string): string {
  if (providers.length === 0)
    return `none: no provider has credentials ("${SUGGESTED_COMMANDS.doctor()}" lists what is missing)`;
  return `${count}, for ${providers.join(", ")} (log: ${relative(process.cwd(), logFile)})`;
}
