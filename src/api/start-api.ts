import { coerceError, RunError } from "#src/core/failures/errors.ts";
import { SUGGESTED_COMMANDS } from "#src/core/suggested-commands.ts";
import { formatServerUrl, listen } from "#src/http-server/listen.ts";
import { isLoopback } from "#src/http-server/loopback.ts";
import type { SluiceClient } from "#src/producer/client/sluice-client.ts";
import type { RedisSource } from "#src/redis/connection.ts";
import { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import { KeyAccess } from "./access/key-access.ts";
import type { ApiContext } from "./api-context.ts";
import { createApiServer } from "./create-api-server.ts";
import { createRoutes } from "./create-routes.ts";

/** What the server needs from the process that starts it. */
export interface StartApiOptions
  extends Pick<
    ApiContext,
    "registry" | "keys" | "models" | "settings" | "checkRequest" | "clock" | "onError" | "sluice"
  > {
  readonly redis: RedisSource;
  readonly sluice: SluiceClient;
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly version: string;
  readonly trustedProxies: readonly string[];
}

export interface Api {
  /** "http://127.0.0.1:8788" */
  readonly url: string;
  readonly port: number;
  /** Ends waiting requests and streams with a resumable error, then the server. The Redis source stays open. Idempotent. */
  close(): Promise<void>;
}

/** Starts the API. Throws a RunError when the address cannot be used, or would be open to everybody. */
export async function startApi(options: StartApiOptions): Promise<Api> {
  const { host, port, version, trustedProxies, redis, ...rest } = options;
  const stopping = new AbortController();
  const client = redis.connect("commands");
  if (!isLoopback(host) && !(await new ApiKeyStore(client, rest.keys).hasKeys())) {
    throw new RunError(...keyRequired(host));
  }
  const { keys, registry, clock, onError } = rest;
  const access = new KeyAccess({
    ...{ client, keys, registry, clock, isLoopback: isLoopback(host) },
    onError: (error) => onError(coerceError(error), "API keys", ""),
  });
  const context: ApiContext = { ...rest, redis, client, access, stopping: stopping.signal };
  const server = await createApiServer(context, { version, trustedProxies, plugins: createRoutes(context) });
  let closing: Promise<void> | undefined;
  const close = () => {
    stopping.abort(new Error("the server stops"));
    closing ??= Promise.resolve(server.close()).then(() => access.close());
    return closing;
  };
  try {
    const listening = await listen(server, host, port);
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
