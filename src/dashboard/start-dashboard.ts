import type { FastifyInstance } from "fastify";
import { formatServerUrl, listen } from "#src/http-server/listen.ts";
import { auditRoutes } from "./audit/audit-routes.ts";
import { Authenticator } from "./auth/authenticator.ts";
import type { AuthPasswords } from "./auth/password-verifier.ts";
import { sessionRoutes } from "./auth/session-routes.ts";
import { createServer } from "./create-server.ts";
import { createServices, type DashboardServices, type ServiceOptions } from "./create-services.ts";
import { evaluationRoutes } from "./evaluations/evaluation-routes.ts";
import { findPageFolder, pageFiles } from "./http/page-files.ts";
import { causeRoutes } from "./items/causes/cause-routes.ts";
import { itemRoutes } from "./items/item-routes.ts";
import { liveRoutes } from "./live/live-routes.ts";
import { metricsRoute } from "./metrics/metrics-route.ts";
import { laneRoutes } from "./overview/lane-routes.ts";
import { overviewRoutes } from "./overview/overview-routes.ts";
import { runActionRoutes } from "./runs/run-action-routes.ts";
import { runManagementRoutes } from "./runs/run-management-routes.ts";
import { runRoutes } from "./runs/run-routes.ts";

export interface DashboardOptions extends ServiceOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly passwords: AuthPasswords;
  /** Proxies that may say for which address they forward a request; none by default. */
  readonly trustedProxies?: readonly string[];
  readonly namespace: string;
  readonly version: string;
  /** Further plugins of the same server, such as an API. */
  readonly plugins?: readonly ((server: FastifyInstance) => Promise<void>)[];
}

export interface Dashboard {
  /** The URL to open in a browser: "http://127.0.0.1:8787" */
  readonly url: string;
  readonly port: number;
  /** The pages have been built. */
  readonly hasPages: boolean;
  /** Ends streams, retries and the server, in this order. The Redis source stays open. Idempotent. */
  close(): Promise<void>;
}

/** Starts the server. Throws a RunError when the address cannot be used, or requires a password. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { host, passwords, trustedProxies = [], onError, plugins = [] } = options;
  const authenticator = new Authenticator({ host, passwords });
  const services = createServices(options, authenticator);
  const pages = findPageFolder();
  const server = await createServer({
    authenticator,
    trustedProxies,
    onError,
    plugins: [...createRoutes(services, authenticator, options), ...plugins, pageFiles(pages)],
  });
  const closeAll = async () => {
    services.hub.close();
    services.records.close();
    services.indexes.close();
    services.sampler.close();
    await services.retries.close();
    await server.close();
    await services.queues.close();
  };
  let closing: Promise<void> | undefined;
  try {
    const port = await listen(server, host, options.port);
    return {
      url: formatServerUrl(host, port),
      port,
      hasPages: pages !== undefined,
      close: () => {
        closing ??= closeAll();
        return closing;
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function createRoutes(services: DashboardServices, authenticator: Authenticator, options: DashboardOptions) {
  const { version, namespace } = options;
  return [
    sessionRoutes({ ...services, authenticator, version, namespace }),
    overviewRoutes(services),
    auditRoutes(services),
    laneRoutes(services),
    runRoutes(services),
    runActionRoutes(services),
    runManagementRoutes(services),
    evaluationRoutes(services),
    itemRoutes(services),
    causeRoutes(services),
    liveRoutes({ ...services, onError: options.onError }),
    metricsRoute({ ...services, authenticator, version }),
    services.board.routes(),
  ];
}
