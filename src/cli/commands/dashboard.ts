import { pino } from "pino";
import { type Dashboard, startDashboard } from "../../dashboard/start-dashboard.ts";
import { dashboardOptions } from "../dashboard-options.ts";
import { EXIT } from "../exit.ts";
import { interruptSignal } from "../interrupt.ts";
import { openConfig } from "../open-config.ts";
import { describeRedisEvent, openConfiguredRedis } from "../open-redis.ts";

export interface DashboardCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly config?: string;
}

/** `sluice dashboard`: serves the pages until it is told to stop. */
export async function runDashboard(options: DashboardCommandOptions): Promise<number> {
  const config = openConfig(options.config);
  const interrupt = interruptSignal();
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
  const redis = await openConfiguredRedis(config, {
    onEvent: (event) => log.warn(describeRedisEvent(event)),
    onWarning: ({ message, mend }) => log.warn(mend === undefined ? message : `${message}. ${mend}`),
  });
  let dashboard: Dashboard | undefined;
  try {
    dashboard = await startDashboard(
      dashboardOptions(config, redis, options, (error, where) => log.error({ where }, error.message)),
    );
    process.stdout.write(`${describeDashboard(dashboard)}\n  Ctrl-C ends it; runs and workers go on.\n`);
    await untilAborted(interrupt.signal);
    return EXIT.ok;
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

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
