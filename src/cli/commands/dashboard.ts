import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import { createDashboardOptions } from "#src/cli/options/dashboard-options.ts";
import { openServiceContext } from "#src/cli/wiring/open-service-context.ts";
import { type Dashboard, startDashboard } from "#src/dashboard/start-dashboard.ts";

export interface DashboardCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly config?: string;
}

/** `sluice dashboard`: serves the pages until it is told to stop. */
export async function runDashboard(options: DashboardCommandOptions): Promise<number> {
  const { config, interrupt, log, redis } = await openServiceContext(options.config);
  let dashboard: Dashboard | undefined;
  try {
    dashboard = await startDashboard(
      createDashboardOptions(config, redis, options, (error, where) => log.error({ where }, error.message)),
    );
    process.stdout.write(`${describeDashboard(dashboard)}\n  Ctrl-C ends it; runs and workers go on.\n`);
    await waitForAbort(interrupt.signal);
    return EXIT_CODES.ok;
  } finally {
    await dashboard?.close();
    await redis.close();
    interrupt.dispose();
  }
}

/** Where it is, and what is missing. */
export function describeDashboard({ url, hasPages }: Dashboard): string {
  const missing = hasPages ? "" : '\n  Its pages have not been built: run "npm run bootstrap", then reload.';
  return `Dashboard: ${url}${missing}`;
}

export function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
