import { join } from "node:path";
import type { Api } from "#src/api/start-api.ts";
import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { createDashboardOptions } from "#src/cli/options/dashboard-options.ts";
import { waitForAbort } from "#src/cli/wiring/interrupt.ts";
import { openServiceContext } from "#src/cli/wiring/open-service-context.ts";
import { type ServiceWorkers, startServiceWorkers } from "#src/cli/wiring/service-workers.ts";
import { startConfiguredApi } from "#src/cli/wiring/start-configured-api.ts";
import { type Dashboard, startDashboard } from "#src/dashboard/start-dashboard.ts";
import { describeDashboard } from "./dashboard.ts";
import type { upCommand } from "./definition.ts";

/** `sluice up`: dashboard, API, workers and (without REDIS_URL) the private Redis together, until it is stopped. */
export async function runUp(options: OptionValues<typeof upCommand>): Promise<number> {
  const service = await openServiceContext(options.config);
  const { config, interrupt, log, redis } = service;
  let dashboard: Dashboard | undefined;
  let api: Api | undefined;
  let workers: ServiceWorkers | undefined;
  try {
    // The servers start first: if an address is not available, no workers are started and stopped for nothing.
    dashboard = await startDashboard(
      createDashboardOptions(config, redis, options, (error, where) => log.error({ where }, error.message)),
    );
    api = await startConfiguredApi(service, {
      host: options.apiHost,
      port: options.apiPort,
      portOption: "--api-port",
      config: options.config,
    });
    workers = await startServiceWorkers(config, {
      workers: options.workers,
      config: options.config,
      signal: interrupt.signal,
      onRestart: (reason) => log.warn(`a worker exited (${reason}) and was replaced`),
    });
    process.stdout.write(
      `${[
        describeDashboard(dashboard),
        `  API       ${api.url}/v1 (documentation: ${api.url}/docs)`,
        `  Redis     ${redis.isPrivate ? `private, in ${join(config.home, ".sluice/redis")}` : "external (REDIS_URL)"}`,
        `  workers   ${workers.description}`,
        "  Press Ctrl-C to stop everything. Nothing is lost; runs continue in their own commands.",
      ].join("\n")}\n`,
    );
    await waitForAbort(AbortSignal.any([interrupt.signal, workers.failed]));
    if (workers.failed.aborted) throw workers.failed.reason;
    return EXIT_CODES.ok;
  } finally {
    await Promise.all([dashboard?.close(), api?.close()]);
    await workers?.stop();
    await redis.close();
    interrupt.dispose();
  }
}
