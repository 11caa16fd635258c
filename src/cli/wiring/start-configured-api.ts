import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProgramStart } from "#src/api/batches/launch-run.ts";
import { ModelDirectory } from "#src/api/models/model-directory.ts";
import { type Api, startApi } from "#src/api/start-api.ts";
import type { WebhookSettings } from "#src/api/webhooks/batch-webhook.ts";
import { readVersion } from "#src/cli/version.ts";
import { type Config, childEnvironment } from "#src/config/config.ts";
import { systemClock } from "#src/core/clock.ts";
import { ConfigError } from "#src/core/failures/errors.ts";
import { createClientFrom } from "#src/producer/client/create-client.ts";
import { createKeys } from "#src/redis/keys.ts";
import { listWorkers } from "#src/state/workers/worker-list.ts";
import type { openServiceContext } from "./open-service-context.ts";
import { createRequestChecker } from "./request-checker.ts";
import { listUsableProviders } from "./service-workers.ts";

/** The official clients give up after ten minutes. */
const ANSWER_TIMEOUT_MS = 10 * 60_000;
const TTL_MS = 24 * 3600_000;
/** Workers that have started or stopped elsewhere are noticed after this time. */
const PROVIDER_REFRESH_MS = 2_000;

type ServiceContext = Awaited<ReturnType<typeof openServiceContext>>;

interface ConfiguredApiOptions {
  readonly host: string;
  readonly port: number;
  /** The option of the command that sets the port. */
  readonly portOption?: string;
  /** The settings file, if the command line names one. */
  readonly config?: string | undefined;
  /** Starts this program for the runs of batches. */
  readonly command?: ProgramStart;
}

/** Starts the HTTP API of this configuration. */
export async function startConfiguredApi(
  { config, log, redis }: Pick<ServiceContext, "config" | "log" | "redis">,
  { host, port, portOption, config: file, command = createCliCommand(file) }: ConfiguredApiOptions,
): Promise<Api> {
  const keys = createKeys(config.namespace);
  const client = redis.source.connect("commands");
  const own = await listUsableProviders(config);
  const readProviders = async () => {
    const workers = await listWorkers(client, keys);
    const served = workers.filter(({ state }) => state === "alive").flatMap(({ queues }) => queues.map(toProvider));
    const known = new Set(config.registry.providers.map(({ name }) => name));
    return [...new Set([...own, ...served])].filter((name) => known.has(name));
  };
  const sluice = createClientFrom(redis.source, config.namespace);
  const api = await startApi({
    host,
    port,
    portOption,
    version: readVersion(),
    trustedProxies: config.trustedProxies,
    redis: redis.source,
    keys,
    sluice,
    dataFolder: config.api.data,
    webhook: requireWebhook(config),
    command,
    registry: config.registry,
    models: new ModelDirectory({
      registry: config.registry,
      usableProviders: refreshAfter(readProviders),
      aliases: config.api.models,
    }),
    checkRequest: createRequestChecker(config),
    settings: { answerTimeoutMs: ANSWER_TIMEOUT_MS, ttlMs: TTL_MS },
    clock: systemClock,
    maxMemory: config.api.maxMemory,
    onRequest: (entry) => log[entry.status >= 500 ? "warn" : "debug"](entry, "request"),
    onError: (error, where, requestId) => log.error({ where, requestId }, error.message),
  });
  return { ...api, close: () => api.close().then(() => sluice.close()) };
}

/** This program, as it was started. */
function createCliCommand(file: string | undefined): ProgramStart {
  const entry = fileURLToPath(new URL("../../../bin/sluice.js", import.meta.url));
  return {
    program: process.execPath,
    args: [entry, file === undefined ? [] : ["--config", resolve(file)]].flat(),
    env: childEnvironment({ SLUICE_VIEWER_PASSWORD: undefined, SLUICE_OPERATOR_PASSWORD: undefined }),
    cwd: process.cwd(),
  };
}

/** Throws ConfigError for a URL without a secret: the receiver could not tell our events from others. */
function requireWebhook({ api: { webhook, webhookSecret: secret } }: Config): WebhookSettings | undefined {
  if (!webhook) return undefined;
  if (!secret) throw new ConfigError(["api.webhook needs SLUICE_WEBHOOK_SECRET, which signs its events"]);
  return { ...webhook, secret };
}

/** "minimax-embedding" -> "minimax" */
function toProvider(queue: string): string {
  return queue.replace(/-(?:chat|embedding|rerank)$/, "");
}

/** Keeps a value for a short time, so that not every request reads the list of workers. */
function refreshAfter<T>(read: () => Promise<T>): () => Promise<T> {
  let latest: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    const now = systemClock.monotonic();
    if (!latest || now - latest.at > PROVIDER_REFRESH_MS) {
      const value = read();
      latest = { at: now, value };
      value.catch(() => {
        if (latest?.value === value) latest = undefined;
      });
    }
    return latest.value;
  };
}
