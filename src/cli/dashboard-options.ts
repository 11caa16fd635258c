import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, childEnvironment } from "../config.ts";
import { RunError } from "../core/errors.ts";
import type { Lane, LaneLimits } from "../core/lane.ts";
import type { DashboardOptions } from "../dashboard/start-dashboard.ts";
import { findModel } from "../providers/registry.ts";
import { createKeys } from "../redis/keys.ts";
import { embedOnce } from "./call-once.ts";
import { resolveLaneLimits } from "./lanes.ts";
import type { OpenedRedis } from "./open-redis.ts";
import { readVersion } from "./version.ts";

export interface DashboardAddress {
  readonly host: string;
  readonly port: number;
  readonly config?: string;
}

/** What the dashboard needs of this command line's configuration. */
export function createDashboardOptions(
  config: Config,
  redis: OpenedRedis,
  { host, port, config: file }: DashboardAddress,
  onError: DashboardOptions["onError"],
): DashboardOptions {
  const entry = fileURLToPath(new URL("../../bin/sluice.js", import.meta.url));
  return {
    host,
    port,
    passwords: config.passwords,
    redis: redis.source,
    keys: createKeys(config.namespace),
    namespace: config.namespace,
    isPrivateRedis: redis.isPrivate,
    version: readVersion(),
    providers: () => config.providers,
    limitsOf: (lane) => limitsOf(config, lane),
    embedQuery: async (model, text, signal) => {
      const request = { inputs: [text], purpose: "query" as const };
      return (await embedOnce(config, model, request, signal)).vectors;
    },
    command: {
      program: process.execPath,
      args: [entry, ...(file === undefined ? [] : ["--config", resolve(file)])],
      // Passwords open the door of this process, and no other's.
      env: childEnvironment({ SLUICE_VIEWER_PASSWORD: undefined, SLUICE_OPERATOR_PASSWORD: undefined }),
    },
    onError,
  };
}

/** Undefined for a lane that this configuration knows nothing of; others' workers may. */
function limitsOf(config: Config, lane: Lane): LaneLimits | undefined {
  try {
    findModel(`${lane.provider}/${lane.model}`);
    return resolveLaneLimits(config, lane);
  } catch (error) {
    if (error instanceof RunError || (error instanceof Error && error.name === "UnknownModelError"))
      return undefined;
    throw error;
  }
}
