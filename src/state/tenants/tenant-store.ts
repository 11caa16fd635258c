import type * as z from "zod";
import type { Keys } from "#src/redis/keys.ts";
import type { RedisClient } from "#src/redis/script.ts";
import { parseStoredJson } from "#src/redis/stored-json.ts";

export interface TenantStoreOptions<T> {
  /** Name of the kind of object, such as "file" or "batch". */
  readonly kind: string;
  readonly schema: z.ZodType<T>;
}

export interface ListPageOptions {
  readonly limit: number;
  /** The last id of the page before. */
  readonly after?: string | undefined;
  /** By creation; by default the newest first. */
  readonly order?: "asc" | "desc" | undefined;
}

export interface ListPage<T> {
  readonly objects: readonly T[];
  readonly hasMore: boolean;
}

/**
 * JSON objects that tenants created, each with an expiry. A tenant sees its own only: the tenant is part of every key, so that
 * the id of another tenant's object is answered as an unknown id is, with the same reads and in the same time.
 */
export class TenantStore<T> {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #options: TenantStoreOptions<T>;

  constructor(client: RedisClient, keys: Keys, options: TenantStoreOptions<T>) {
    this.#client = client;
    this.#keys = keys;
    this.#options = options;
  }

  /** False if the tenant has an object with this id; then nothing is changed. */
  async create(
    tenant: string,
    id: string,
    object: T,
    { createdAt, ttlMs }: { readonly createdAt: number; readonly ttlMs: number },
  ): Promise<boolean> {
    const keys = this.#keysOf(tenant);
    // The list first: an entry without an object is skipped, but an object without an entry would not be found.
    await this.#client.zadd(keys.list, "NX", createdAt, id);
    await extendExpiry(this.#client, keys.list, ttlMs);
    return (await this.#client.set(keys.object(id), JSON.stringify(object), "PX", ttlMs, "NX")) === "OK";
  }

  async get(tenant: string, id: string): Promise<T | undefined> {
    const place = this.#keysOf(tenant).object(id);
    return parseStoredJson({ client: this.#client, place }, await this.#client.get(place), this.#options.schema);
  }

  /** Replaces an object and keeps its expiry. False if it does not exist any more. */
  async replace(tenant: string, id: string, object: T): Promise<boolean> {
    const key = this.#keysOf(tenant).object(id);
    return (await this.#client.set(key, JSON.stringify(object), "KEEPTTL", "XX")) === "OK";
  }

  /** False if there was no such object. */
  async delete(tenant: string, id: string): Promise<boolean> {
    const keys = this.#keysOf(tenant);
    const [deleted] = await Promise.all([this.#client.del(keys.object(id)), this.#client.zrem(keys.list, id)]);
    return deleted === 1;
  }

  /** One page of the tenant's objects. Those that have expired meanwhile are left out and removed from the list. */
  async list(tenant: string, { limit, after, order = "desc" }: ListPageOptions): Promise<ListPage<T>> {
    const { list } = this.#keysOf(tenant);
    const objects: T[] = [];
    let start = after === undefined ? 0 : await this.#findRankAfter(list, after, order);
    // One more than wanted shows whether there are more.
    while (objects.length <= limit) {
      const end = start + limit - objects.length;
      const ids =
        order === "desc"
          ? await this.#client.zrevrange(list, start, end)
          : await this.#client.zrange(list, start, String(end));
      if (ids.length === 0) break;
      const found = await Promise.all(ids.map((id) => this.get(tenant, id)));
      const gone = ids.filter((_, i) => found[i] === undefined);
      objects.push(...found.filter((object) => object !== undefined));
      if (gone.length > 0) await this.#client.zrem(list, ...gone);
      start += ids.length - gone.length;
    }
    return { objects: objects.slice(0, limit), hasMore: objects.length > limit };
  }

  async #findRankAfter(list: string, id: string, order: "asc" | "desc"): Promise<number> {
    const rank = order === "desc" ? await this.#client.zrevrank(list, id) : await this.#client.zrank(list, id);
    return rank === null ? 0 : rank + 1;
  }

  #keysOf(tenant: string) {
    return this.#keys.tenantObjects(tenant, this.#options.kind);
  }
}

/** The list lives as long as the object in it that lives the longest. */
async function extendExpiry(client: RedisClient, key: string, ttlMs: number): Promise<void> {
  const left = await client.pttl(key);
  if (left < ttlMs) await client.pexpire(key, ttlMs);
}
