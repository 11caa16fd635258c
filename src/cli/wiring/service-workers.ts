import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import type { Config } from "#src/config/config.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { type ChildWorkers, startChildWorkers } from "./coordinator/child-workers.ts";
import { rotateLog } from "./coordinator/rotate-log.ts";
import { LaneRegistry, openTransport } from "./lanes.ts";

/** A larger log is rotated at the next start. */
const LOG_BYTES = 10 * 1024 * 1024;

export interface ServiceWorkers {
  /** One line for people: how many workers there are, for what, and where their log is. */
  readonly description: string;
  /** Aborts with the reason if workers exit as soon as they start. */
  readonly failed: AbortSignal;
  stop(): Promise<void>;
}

export interface ServiceWorkerOptions {
  /** Worker processes; undefined: as configured, or one per core. */
  readonly workers: number | undefined;
  readonly config?: string | undefined;
  readonly signal: AbortSignal;
  readonly onRestart: (reason: string) => void;
}

/** Starts the workers of a long-running service; none if no provider has credentials. */
export async function startServiceWorkers(config: Config, options: ServiceWorkerOptions): Promise<ServiceWorkers> {
  const providers = await listUsableProviders(config);
  const count = providers.length === 0 ? 0 : (options.workers ?? config.run.workers ?? availableParallelism());
  const logFile = prepareWorkerLog(config);
  const workers: ChildWorkers = startChildWorkers({
    count,
    logFile,
    configFile: options.config === undefined ? undefined : resolve(options.config),
    signal: options.signal,
    onRestart: options.onRestart,
  });
  const failed = new AbortController();
  workers.ready.catch((error) => failed.abort(error));
  const description = describeWorkers(count, providers, logFile);
  return { description, failed: failed.signal, stop: () => workers.stop() };
}

/** Providers with credentials; without any, a worker would have no queue to serve. */
export async function listUsableProviders(config: Config): Promise<string[]> {
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
