import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { formatServerUrl, listen } from "#src/http-server/listen.ts";
import { isLoopback } from "#src/http-server/loopback.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import { KeyAccess } from "./access/key-access.ts";
import type { ApiContext } from "./api-context.ts";
import { BatchRunner } from "./batches/batch-runner.ts";
import { BatchStore } from "./batches/batch-store.ts";
import type { ProgramStart } from "./batches/launch-run.ts";
import { createApiServer } from "./create-api-server.ts";
import { createRoutes } from "./create-routes.ts";
import { FileStore } from "./files/file-store.ts";
import { ApiMetrics } from "./operations/api-metrics.ts";
import { defaultMaxMemory, MemoryGuard, readUsedMemory } from "./operations/memory-guard.ts";
import type { RequestLogEntry } from "./operations/observe-requests.ts";
import { DataFolder } from "./storage/data-folder.ts";
import { deleteExpired } from "./storage/delete-expired.ts";
import { UploadStore } from "./uploads/upload-store.ts";
import { BatchWebhook, type WebhookSettings } from "./webhooks/batch-webhook.ts";

/** What the server needs from the process that starts it. */
export interface StartApiOptions
  extends Pick<
    ApiContext,
    "registry" | "keys" | "models" | "settings" | "checkRequest" | "clock" | "onError" | "sluice"
  > {
  readonly redis: RedisSource;
  readonly sluice: SluiceClient;
  /** Absolute path of the folder with files and batches; all servers of one Redis share it. */
  readonly dataFolder: string;
  /** Where the end of batches is reported. */
  readonly webhook?: WebhookSettings | undefined;
  /** Starts the runs of batches. */
  readonly command: ProgramStart;
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** The option of the command that sets the port; by default "--port". */
  readonly portOption?: string | undefined;
  readonly version: string;
  readonly trustedProxies: readonly string[];
  /** New requests are refused while more is in use, in bytes; by default most of what the process may use. */
  readonly maxMemory?: number | undefined;
  /** Called when the response to a request has ended. */
  readonly onRequest: (entry: RequestLogEntry) => void;
}

export interface Api {
  /** "http://127.0.0.1:8788" */
  readonly url: string;
  readonly port: number;
  /** Ends waiting requests and streams with a resumable error, then the server. The Redis source stays open. Idempotent. */
  close(): Promise<void>;
}

/** Batches that a server works on at once, each in a process of its own. Others wait, or another server takes them. */
const BATCH_CONCURRENCY = 4;

/** Between deletions of expired files. */
const HOUSEKEEPING_MS = 3600_000;

/** Starts the API. Throws a RunError when the address cannot be used, or would be open to everybody. */
export async function startApi(options: StartApiOptions): Promise<Api> {
  const { host, port, portOption, version, trustedProxies, redis, dataFolder, command, maxMemory, onRequest, ...rest } =
    options;
  const stopping = new AbortController();
  const client = redis.connect("commands");
  if (!isLoopback(host) && !(await new ApiKeyStore(client, rest.keys).hasKeys())) {
    throw new RunError(...keyRequired(host));
  }
  const { keys, registry, clock, onError } = rest;
  const memory = new MemoryGuard(maxMemory ?? defaultMaxMemory());
  const metrics = new ApiMetrics(readUsedMemory);
  const access = new KeyAccess({
    ...{ client, keys, registry, clock, isLoopback: isLoopback(host) },
    onUse: (model, used) => metrics.recordUse(model, used),
    onError: (error) => onError(coerceError(error), "API keys", ""),
  });
  const data = new DataFolder(dataFolder);
  const files = new FileStore(data, clock);
  const store = new BatchStore(data);
  const reportBatch = (batch: string, message: string) => onError(new Error(message), batch, "");
  const webhook = options.webhook && new BatchWebhook(options.webhook, clock, reportBatch);
  const runner = new BatchRunner({
    ...{ store, files, registry, client, keys, clock, command, models: rest.models },
    budgets: access.batchBudgets,
    concurrency: BATCH_CONCURRENCY,
    webhook,
    onStopped: (batch, message) => reportBatch(batch, `its run stopped: ${message}`),
    onError: (error, batch) => onError(error, batch, ""),
  });
  const shared = {
    redis,
    client,
    access,
    metrics,
    memory,
    files,
    uploads: new UploadStore(data),
    batches: store,
    runner,
  };
  const context: ApiContext = { ...rest, ...shared, stopping: stopping.signal };
  const server = await createApiServer(context, {
    ...{ version, trustedProxies, onRequest },
    plugins: createRoutes(context),
  });
  let housekeeping: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;
  const close = () => {
    stopping.abort(new Error("the server stops"));
    memory.close();
    clearInterval(housekeeping);
    closing ??= Promise.all([server.close(), runner.close()]).then(async () => {
      await Promise.all([access.close(), webhook?.close()]);
    });
    return closing;
  };
  try {
    const listening = await listen(server, host, port, portOption);
    runner.start();
    const reportError = (error: unknown) => onError(coerceError(error), "expired files", "");
    housekeeping = setInterval(() => deleteExpired(data, clock.now()).catch(reportError), HOUSEKEEPING_MS);
    return { url: formatServerUrl(host, listening), port: listening, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function keyRequired(host: string) {
  return [
    `the API does not listen on ${host} without keys: everybody who can reach it could spend your money`,
    `Create a key with "${SUGGESTED_COMMANDS.createKey()}", or listen on 127.0.0.1.`,
  ] as const;
}
