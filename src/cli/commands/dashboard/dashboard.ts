import { EXIT_CODES } from "#src/cli/exit-codes.ts";
import type { OptionValues } from "#src/cli/options/command-definition.ts";
import { createDashboardOptions } from "#src/cli/options/dashboard-options.ts";
import { waitForAbort } from "#src/cli/wiring/interrupt.ts";
import { openServiceContext } from "#src/cli/wiring/open-service-context.ts";
import { type Dashboard, startDashboard } from "#src/dashboard/start-dashboard.ts";
import type { dashboardCommand } from "./definition.ts";

/** `sluice dashboard`: serves the dashboard until it is stopped. */
export async function runDashboard(options: OptionValues<typeof dashboardCommand>): Promise<number> {
  const { config, interrupt, log, redis } = await openServiceContext(options.config);
  let dashboard: Dashboard | undefined;
  try {
    dashboard = await startDashboard(
      createDashboardOptions(config, redis, options, (error, where) => log.error({ where }, error.message)),
    );
    process.stdout.write(`${describeDashboard(dashboard)}\n  Press Ctrl-C to stop it. Runs and workers continue.\n`);
    await waitForAbort(interrupt.signal);
    return EXIT_CODES.ok;
  } finally {
    await dashboard?.close();
    await redis.close();
    interrupt.dispose();
  }
}

/** The URL of the dashboard, and what to do if its pages are missing. */
export function describeDashboard({ url, hasPages }: Dashboard): string {
  const missing = hasPages ? "" : '\n  Its pages have not been built. Run "npm run bootstrap", then reload.';
  return `Dashboard: ${url}${missing}`;
}
