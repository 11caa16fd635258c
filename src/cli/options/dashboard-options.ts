import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readVersion } from "#src/cli/version.ts";
import { embedOnce } from "#src/cli/wiring/embed-once.ts";
import { resolveLaneLimits } from "#src/cli/wiring/lanes.ts";
import type { OpenedRedis } from "#src/cli/wiring/open-redis.ts";
import { type Config, childEnvironment } from "#src/config/config.ts";
import { RunError } from "#src/core/failures/errors.ts";
import type { Lane, LaneLimits } from "#src/core/lane.ts";
import type { DashboardOptions } from "#src/dashboard/start-dashboard.ts";
import { createKeys } from "#src/redis/keys.ts";

export interface DashboardAddress {
  readonly host: string;
  readonly port: number;
  readonly config?: string;
}

/** The options of the dashboard, from the configuration of this command line. */
export function createDashboardOptions(
  config: Config,
  redis: OpenedRedis,
  { host, port, config: file }: DashboardAddress,
  onError: DashboardOptions["onError"],
): DashboardOptions {
  const entry = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));
  return {
    host,
    port,
    passwords: config.passwords,
    trustedProxies: config.trustedProxies,
    redis: redis.source,
    keys: createKeys(config.namespace),
    namespace: config.namespace,
    isPrivateRedis: redis.isPrivate,
    version: readVersion(),
    providers: () => config.providers,
    limitsOf: (lane) => limitsOf(config, lane),
    embedQuery: async (model, text, signal, dimensions) => {
      const request = { inputs: [text], purpose: "query" as const, dimensions };
      return (await embedOnce(config, model, request, signal)).vectors;
    },
    command: {
      program: process.execPath,
      args: [entry, file === undefined ? [] : ["--config", resolve(file)]].flat(),
      // Child processes must not see the passwords of the dashboard.
      env: childEnvironment({ SLUICE_VIEWER_PASSWORD: undefined, SLUICE_OPERATOR_PASSWORD: undefined }),
    },
    onError,
  };
}

/** Undefined for a lane that this configuration does not know; workers with another configuration may use it. */
function limitsOf(config: Config, lane: Lane): LaneLimits | undefined {
  try {
    config.registry.findModel(`${lane.provider}/${lane.model}`);
    return resolveLaneLimits(config, lane);
  } catch (error) {
    if (error instanceof RunError || (error instanceof Error && error.name === "UnknownModelError")) return undefined;
    throw error;
  }
}
