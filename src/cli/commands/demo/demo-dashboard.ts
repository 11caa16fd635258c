import { createDashboardOptions } from "#src/cli/options/dashboard-options.ts";
import { type OpenedRedis, openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { type Dashboard, startDashboard } from "#src/dashboard/start-dashboard.ts";
import { PortInUseError } from "#src/http-server/listen.ts";

const FIRST_PORT = 8787;
const PORTS = 20;

/** Starts the dashboard of the demo on the default port, or on the next free one. */
export async function startDemoDashboard(env: Readonly<Record<string, string | undefined>>): Promise<Dashboard> {
  const config = loadConfig({ env });
  const redis = await openConfiguredRedis(config);
  try {
    const dashboard = await startOnFreePort((port) => {
      const address = { host: "127.0.0.1", port, config: config.file };
      const options = createDashboardOptions(config, redis, address, () => undefined);
      return startDashboard({ ...options, command: { ...options.command, env } });
    });
    return { ...dashboard, close: () => closeAll(dashboard, redis) };
  } catch (error) {
    await redis.close();
    throw error;
  }
}

async function closeAll(dashboard: Dashboard, redis: OpenedRedis): Promise<void> {
  await dashboard.close();
  await redis.close();
}

async function startOnFreePort(start: (port: number) => Promise<Dashboard>): Promise<Dashboard> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS; port += 1) {
    try {
      return await start(port);
    } catch (error) {
      if (!(error instanceof PortInUseError)) throw error;
    }
  }
  return await start(0);
}
