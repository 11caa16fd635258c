import * as z from "zod";
import type { Keys } from "#src/redis/keys.ts";
import { defineScript, type RedisClient } from "#src/redis/script.ts";
import { parseStoredJson } from "#src/redis/stored-json.ts";
import { type ApiKey, type ApiKeyState, findApiKeyState, storedApiKey } from "./api-key.ts";
import { createToken, isSameHash, NO_ID, parseToken } from "./api-key-token.ts";

/** Revoked and expired keys are listed for this long, so that it can be seen when they ended. */
const KEEP_MS = 90 * 24 * 3600_000;

const createScript = defineScript(new URL("lua/create-api-key.lua", import.meta.url), {
  keys: ["records", "names"],
  args: ["id", "name", "record", "now", "keepMs"],
  parse: (reply) => z.enum(["created", "known", "taken"]).parse(reply),
});

const revokeScript = defineScript(new URL("lua/revoke-api-key.lua", import.meta.url), {
  keys: ["records", "names"],
  args: ["id", "now"],
  parse: (reply) => z.enum(["revoked", "known", "gone"]).parse(reply),
});

/** What its creator chooses about a key. */
export type NewApiKey = Omit<ApiKey, "id" | "hash" | "createdAt" | "revokedAt">;

export interface CreatedApiKey {
  readonly key: ApiKey;
  /** The key as its holder sends it. It is not stored and cannot be shown again. */
  readonly token: string;
}

/** The key that a caller presented, and whether it grants access. */
export interface PresentedKey {
  readonly key: ApiKey;
  readonly state: ApiKeyState;
}

/** Takes the place of a key that does not exist, so that looking for it takes as long. No secret has this hash. */
const UNKNOWN_KEY: ApiKey = {
  ...{ id: NO_ID, name: "unknown", tenant: "unknown", hash: "0".repeat(64), role: "user" },
  ...{ currency: "USD", weight: 1, createdAt: 0 },
};

/** The API keys of a namespace. */
export class ApiKeyStore {
  readonly #client: RedisClient;
  readonly #keys: Keys["apiKeys"];
  readonly #now: () => number;

  constructor(client: RedisClient, keys: Keys, now: () => number = Date.now) {
    this.#client = client;
    this.#keys = keys.apiKeys;
    this.#now = now;
  }

  /** Undefined when a valid key has this name. */
  async create(wanted: NewApiKey): Promise<CreatedApiKey | undefined> {
    const { id, token, hash } = createToken();
    const now = this.#now();
    const key = storedApiKey.parse({ ...wanted, id, hash, createdAt: now });
    const args = { id, name: key.name, record: JSON.stringify(key), now, keepMs: KEEP_MS };
    const outcome = await createScript.run(this.#client, this.#keys, args);
    return outcome === "taken" ? undefined : { key, token };
  }

  /** All keys, the newest first; revoked and expired ones for 90 days. */
  async list(): Promise<ApiKey[]> {
    const stored = await this.#client.hgetall(this.#keys.records);
    const found = Object.entries(stored).flatMap(([id, text]) => this.#parse(id, text) ?? []);
    return found.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
  }

  /** A key by its id, valid or not. */
  async get(id: string): Promise<ApiKey | undefined> {
    const stored = await this.#client.hget(this.#keys.records, id);
    return stored === null ? undefined : this.#parse(id, stored);
  }

  /** The keys with this id, or with this name. */
  async find(idOrName: string): Promise<ApiKey[]> {
    const keys = await this.list();
    const withId = keys.filter(({ id }) => id === idOrName);
    return withId.length > 0 ? withId : keys.filter(({ name }) => name === idOrName);
  }

  /** From then on, no server accepts it. */
  async revoke(id: string): Promise<"revoked" | "known" | "gone"> {
    return await revokeScript.run(this.#client, this.#keys, { id, now: this.#now() });
  }

  /** Whether any key was ever created: without one, a server on loopback is open. */
  async hasKeys(): Promise<boolean> {
    return (await this.#client.hlen(this.#keys.records)) > 0;
  }

  /**
   * The key that a text is, if its secret is right, whether it is valid or not. A missing text, another text, an unknown id,
   * and a wrong secret take the same steps and one read of Redis. Nothing is cached, so a revoked key ends at once.
   */
  async authenticate(text: string | undefined): Promise<PresentedKey | undefined> {
    const presented = parseToken(text ?? "");
    const stored = await this.#client.hget(this.#keys.records, presented.id);
    const key = this.#parse(presented.id, stored ?? JSON.stringify(UNKNOWN_KEY)) ?? UNKNOWN_KEY;
    const isRight = isSameHash(key.hash, presented.hash);
    const state = findApiKeyState(key, this.#now());
    return isRight && stored !== null ? { key, state } : undefined;
  }

  #parse(id: string, text: string): ApiKey | undefined {
    return parseStoredJson({ client: this.#client, place: `${this.#keys.records} ${id}` }, text, storedApiKey);
  }
}
