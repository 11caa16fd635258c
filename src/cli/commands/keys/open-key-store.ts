import { openConfiguredRedis } from "#src/cli/wiring/open-redis.ts";
import { loadConfig } from "#src/config/config.ts";
import { createKeys } from "#src/redis/keys.ts";
import { ApiKeyStore } from "#src/state/api-keys/api-key-store.ts";
import { KeyUsage } from "#src/state/api-keys/key-usage.ts";

export interface OpenedKeyStore {
  readonly store: ApiKeyStore;
  readonly usage: KeyUsage;
}

/** Runs `use` with the API keys of the configured Redis, and closes the connection. */
export async function withKeyStore<T>(
  settingsFile: string | undefined,
  use: (opened: OpenedKeyStore) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ file: settingsFile });
  const redis = await openConfiguredRedis(config);
  try {
    const client = redis.source.connect("commands");
    const keys = createKeys(config.namespace);
    return await use({ store: new ApiKeyStore(client, keys), usage: new KeyUsage(client, keys) });
  } finally {
    await redis.close();
  }
}
